/**
 * What one address may read. A read costs one unit for each 50 rows that it requests, at least one;
 * where the response was larger than its units cover, the next read of the address pays the rest.
 * So one bucket bounds requests and bytes, with one call of the limiter for each read.
 */

import {
  Cache,
  type Clock,
  type HttpRequest,
  type Identity,
  Problem,
  type Route,
  TextAnswer,
} from "@ovation/protocol";
import {
  type RateRules,
  READ_DEBT_AGE_MS,
  READ_DEBTS_KEPT_MAX,
  READ_UNIT_BYTES,
  READ_UNIT_ROWS,
} from "../limits.ts";
import { isStaff } from "../requests/access.ts";
import type { RateLimiter } from "./rate-limiter.ts";

export interface ReadLimitOptions {
  readonly steady: Clock;
  readonly limiter: RateLimiter;
  /** Read each time: they may change. */
  readonly rules: Pick<RateRules, "readsPerAddress">;
  identify(request: HttpRequest): Promise<Identity | undefined>;
}

/** The routes with the limit on those that read; every `GET` is one. */
export function limitReads(
  { steady, limiter, rules, identify }: ReadLimitOptions,
  routes: readonly Route[],
): readonly Route[] {
  /** Units that addresses have yet to pay. */
  const debts = new Cache<number>(steady, {
    ageMs: READ_DEBT_AGE_MS,
    entriesMax: READ_DEBTS_KEPT_MAX,
  });

  function owe(address: string, units: number): void {
    if (units > 0) debts.set(address, units);
    else debts.delete(address);
  }

  async function take(request: HttpRequest, address: string, units: number): Promise<void> {
    const debt = debts.get(address) ?? 0;
    const result = await limiter.take(
      `read address ${address}`,
      units + debt,
      rules.readsPerAddress,
    );
    if (result.ok) {
      owe(address, (debts.get(address) ?? 0) - debt);
      return;
    }
    // Only who is refused is asked for a token: hosts, moderators and servers read without a limit.
    const identity = await identify(request);
    if (identity !== undefined && (isStaff(identity.role) || identity.publish.length > 0)) return;
    throw new Problem("rate-limited", undefined, { retryAfterMs: result.retryAfterMs });
  }

  return routes.map((route) =>
    route.method !== "GET"
      ? route
      : {
          ...route,
          async handle(request, context) {
            const { address } = context;
            if (address === "") return route.handle(request, context);
            const units = unitsOf(request);
            await take(request, address, units);
            const answer = await route.handle(request, context);
            // Characters stand for bytes: what matters is the order of magnitude.
            const length = answer instanceof TextAnswer ? answer.body.length : 0;
            const rest = Math.ceil(length / READ_UNIT_BYTES) - units;
            if (rest > 0) owe(address, (debts.get(address) ?? 0) + rest);
            return answer;
          },
        },
  );
}

function unitsOf(request: HttpRequest): number {
  const limit = Number(new URL(request.url).searchParams.get("limit") ?? 0);
  return Number.isSafeInteger(limit) && limit > 0
    ? Math.min(Math.ceil(limit / READ_UNIT_ROWS), READ_UNIT_ROWS)
    : 1;
}
