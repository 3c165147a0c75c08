/**
 * The frontend's way up over the network: any of several dispatchers.
 *
 * Calls go to one dispatcher until it does not answer; then the next one is asked, at once, and the one
 * that failed is left alone for a while. All calls can be repeated without harm, so one whose answer was
 * lost is simply made again. What a dispatcher itself answers
 * (the table is away) is passed on: the others would say the same.
 */

import {
  type ConnectionChangeResult,
  type EventPage,
  NO_DISPATCHER,
  type Report,
  type TopicHead,
  type Upstream,
} from "@ovation/frontend";
import { type Clock, Problem } from "@ovation/protocol";
import { type FrontendCredential, formatFrontendCaller } from "../links/frontend-credential.ts";
import type { InternalAuth } from "./auth.ts";
import { CallFailedError, createInternalClient, type InternalTls } from "./client.ts";
import {
  CHANGES_PER_CALL_MAX,
  COUNTS_PER_CALL_MAX,
  MEMBERS_PER_CALL_MAX,
  UPSTREAM_PATHS,
} from "./upstream-calls.ts";

export interface HttpUpstreamOptions {
  /** Internal addresses of dispatchers, `http://host:port`. A name behind which several stand is one. */
  readonly dispatchers: readonly string[];
  readonly auth: InternalAuth;
  readonly credential: FrontendCredential;
  /** Where dispatchers reach this frontend: its internal listener. */
  readonly url: string;
  readonly clock: Clock;
  random?(): number;
  readonly tls?: InternalTls;
  /** One attempt. Default 2,000. */
  readonly timeoutMs?: number;
}

/** Attempts of one call in all, spread over the dispatchers. */
export const ATTEMPTS_MAX = 4;
/** Calls under way; beyond, a call is refused at once. */
export const CALLS_MAX = 2000;
/** A dispatcher that did not answer is asked again after this long, if another one is there. */
const REST_MS = 2000;
/** Wait before the second round over all dispatchers: drawn between 0 and this. */
const ROUND_MS = 200;
const TIMEOUT_MS = 2000;

export function createHttpUpstream(options: HttpUpstreamOptions): Upstream {
  const { clock, dispatchers, auth, credential, url, tls } = options;
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const random = options.random ?? Math.random;
  if (dispatchers.length === 0) throw new Error("a frontend needs the address of a dispatcher");
  const client = createInternalClient({
    auth,
    from: formatFrontendCaller(credential, url),
    ...(tls === undefined ? {} : { tls }),
  });
  const restUntil = new Map<string, number>();
  // Frontends start at different ones, so that they share the work.
  let current = Math.floor(random() * dispatchers.length);
  let underWay = 0;

  /** The next one that is not resting; if all are, the current one. */
  function next(): string {
    for (let step = 0; step < dispatchers.length; step++) {
      const index = (current + step) % dispatchers.length;
      const candidate = dispatchers[index] ?? "";
      if ((restUntil.get(candidate) ?? 0) > clock.now()) continue;
      current = index;
      return candidate;
    }
    current = (current + 1) % dispatchers.length;
    return dispatchers[current] ?? "";
  }

  async function call(path: string, body: unknown): Promise<unknown> {
    if (underWay >= CALLS_MAX)
      throw new Problem("unavailable", "too many calls to dispatchers", { retryAfterMs: 1000 });
    underWay++;
    try {
      return await attempt(path, JSON.stringify(body));
    } finally {
      underWay--;
    }
  }

  async function attempt(path: string, body: string): Promise<unknown> {
    for (let count = 1; ; count++) {
      const dispatcher = next();
      try {
        return await client.call(dispatcher, path, body, { timeoutMs });
      } catch (error) {
        const failed =
          error instanceof CallFailedError ||
          (error instanceof Problem && error.code === "bad-gateway");
        if (!failed) throw error;
        restUntil.set(dispatcher, clock.now() + REST_MS);
        if (count >= ATTEMPTS_MAX)
          throw new Problem("unavailable", NO_DISPATCHER, { retryAfterMs: 1000 });
        if (count % dispatchers.length === 0)
          await new Promise<void>((resolve) => clock.after(random() * ROUND_MS, resolve));
      }
    }
  }

  return {
    async change(changes) {
      const heads: TopicHead[] = [];
      for (let start = 0; start < changes.length; start += CHANGES_PER_CALL_MAX) {
        const slice = changes.slice(start, start + CHANGES_PER_CALL_MAX);
        heads.push(...((await call(UPSTREAM_PATHS.change, { changes: slice })) as TopicHead[]));
      }
      return heads;
    },
    async report(viewers, since) {
      let report = (await call(UPSTREAM_PATHS.report, {
        viewers: viewers.slice(0, COUNTS_PER_CALL_MAX),
        since,
      })) as Report;
      for (let start = COUNTS_PER_CALL_MAX; start < viewers.length; start += COUNTS_PER_CALL_MAX) {
        const more = (await call(UPSTREAM_PATHS.report, {
          viewers: viewers.slice(start, start + COUNTS_PER_CALL_MAX),
          since: report.stamp,
        })) as Report;
        report = {
          viewers: [...report.viewers, ...more.viewers],
          heads: [...report.heads, ...more.heads],
          stamp: more.stamp,
          epoch: more.epoch,
        };
      }
      return report;
    },
    read: async (topic, after, limit) =>
      (await call(UPSTREAM_PATHS.read, { topic, after, limit })) as EventPage,
    wrote: async (topic, seq, epoch) =>
      (await call(UPSTREAM_PATHS.wrote, { topic, seq, epoch })) as "yes" | "no" | "unknown",
    async reached(moment) {
      const answer = (await call(UPSTREAM_PATHS.reached, moment)) as { readonly reached: boolean };
      return answer.reached;
    },
    headAt: async (topic, stamp) =>
      (await call(UPSTREAM_PATHS.headAt, { topic, stamp })) as TopicHead,
    changeConnection: async (change) =>
      (await call(UPSTREAM_PATHS.changeConnection, change)) as ConnectionChangeResult,
    async present(members, staff) {
      for (let start = 0; start < members.length; start += MEMBERS_PER_CALL_MAX) {
        await call(UPSTREAM_PATHS.present, {
          members: members.slice(start, start + MEMBERS_PER_CALL_MAX),
          // There are at most as many of them as members.
          staff: staff.slice(start, start + MEMBERS_PER_CALL_MAX),
        });
      }
    },
    async upgraded(guests) {
      const upgraded: string[] = [];
      for (let start = 0; start < guests.length; start += MEMBERS_PER_CALL_MAX) {
        const slice = guests.slice(start, start + MEMBERS_PER_CALL_MAX);
        const answer = await call(UPSTREAM_PATHS.upgraded, { guests: slice }).catch(noneIfUnknown);
        upgraded.push(...(answer as string[]));
      }
      return upgraded;
    },
    renew: async (ttlMs) => String(await call(UPSTREAM_PATHS.renew, { ttlMs: Math.round(ttlMs) })),
    async probe(number) {
      await call(UPSTREAM_PATHS.probe, { number });
    },
    async release() {
      await call(UPSTREAM_PATHS.release, {});
    },
  };
}

/** A dispatcher of an earlier version has no such call. */
function noneIfUnknown(error: unknown): readonly string[] {
  if (error instanceof Problem && error.code === "not-found") return [];
  throw error;
}
