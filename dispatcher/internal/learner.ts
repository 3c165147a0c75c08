/**
 * Learns the dispatchers of the data centre from any of them, so that one that is added is used
 * without a restart: `--dispatcher` names the first ones to ask. An address is used when the
 * dispatcher of that id has responded there: an address that is valid elsewhere only, behind a
 * proxy or on another machine's loopback, is never used.
 */

import { type Clock, Problem, type Route } from "@ovation/protocol";
import type { DispatcherAddress } from "@ovation/table";
import { z } from "zod";
import { isInternalUrl } from "../links/frontend-credential.ts";
import { CallFailedError, type InternalClient } from "./client.ts";
import type { DispatcherChoice } from "./dispatcher-choice.ts";
import { DISPATCHERS_MAX, type DispatcherRegistry } from "./registry.ts";
import { type InternalRouteOptions, internalRoute, refuse } from "./route.ts";

export const DISPATCHERS_PATH = "/internal/v1/dispatchers";
/** The list is asked for this often … */
export const LEARN_EVERY_MS = 5000;
/** … and sooner while addresses of it are not confirmed, so many at a time. */
export const LEARN_SOON_MS = 500;
export const CONFIRMATIONS_MAX = 8;
const TIMEOUT_MS = 2000;
/** Of the body of a call for the list. */
export const DISPATCHERS_CALL_BYTES_MAX = 1024;

const Answer = z.object({
  id: z.string().max(64),
  dispatchers: z
    .array(z.object({ id: z.string().max(64), url: z.string().refine(isInternalUrl) }))
    .max(DISPATCHERS_MAX),
});
type Answer = z.infer<typeof Answer>;

export interface DispatcherLearnerOptions {
  readonly choice: DispatcherChoice;
  readonly client: InternalClient;
  readonly clock: Clock;
  readonly random: () => number;
}

export class DispatcherLearner {
  readonly #options: DispatcherLearnerOptions;
  /** URL → the id of the dispatcher that responded there. */
  readonly #confirmed = new Map<string, string>();
  /** URLs where none or another one responded, and after how many rounds each is asked again. */
  readonly #unconfirmed = new Map<string, { failures: number; rounds: number }>();
  #cancel: () => void = () => undefined;
  #isClosed = false;

  constructor(options: DispatcherLearnerOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#round();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  async #round(): Promise<void> {
    const { choice, clock, random } = this.#options;
    const listed = await this.#ask(choice.pick());
    const left = listed === undefined ? 0 : await this.#confirm(listed.dispatchers);
    if (this.#isClosed) return;
    const everyMs = left > 0 ? LEARN_SOON_MS : LEARN_EVERY_MS;
    this.#cancel = clock.after(everyMs * (0.8 + random() * 0.4), () => void this.#round());
  }

  /** `undefined` where it did not respond, or is of a version that has no list. */
  async #ask(url: string): Promise<Answer | undefined> {
    const { choice, client } = this.#options;
    const call = () => client.call(url, DISPATCHERS_PATH, "{}", { timeoutMs: TIMEOUT_MS });
    const hasFailed = (error: unknown) =>
      error instanceof CallFailedError && error.code !== "not-found";
    try {
      return Answer.parse(await choice.run(url, call, hasFailed));
    } catch (error) {
      const isExpected =
        error instanceof CallFailedError || error instanceof Problem || error instanceof z.ZodError;
      if (!isExpected) throw error;
      return undefined;
    }
  }

  /** Returns how many addresses are to be asked soon. */
  async #confirm(dispatchers: readonly DispatcherAddress[]): Promise<number> {
    // A dispatcher that was restarted is listed twice until its old lease expires.
    const urls = new Map<string, Set<string>>();
    for (const { id, url } of dispatchers) urls.set(url, (urls.get(url) ?? new Set()).add(id));
    for (const [url, id] of this.#confirmed)
      if (urls.get(url)?.has(id) !== true) this.#confirmed.delete(url);
    for (const url of this.#unconfirmed.keys()) if (!urls.has(url)) this.#unconfirmed.delete(url);
    const unknown = [...urls].filter(([url]) => !this.#confirmed.has(url) && this.#isDue(url));
    const asked = unknown.slice(0, CONFIRMATIONS_MAX);
    await Promise.all(asked.map(([url, ids]) => this.#confirmOne(url, ids)));
    if (this.#isClosed) return 0;
    this.#options.choice.learn([...this.#confirmed.keys()]);
    return unknown.length - asked.length;
  }

  #isDue(url: string): boolean {
    const failed = this.#unconfirmed.get(url);
    return failed === undefined || --failed.rounds <= 0;
  }

  async #confirmOne(url: string, ids: ReadonlySet<string>): Promise<void> {
    const id = (await this.#ask(url))?.id;
    if (id !== undefined && ids.has(id)) {
      this.#confirmed.set(url, id);
      this.#unconfirmed.delete(url);
      return;
    }
    const failures = (this.#unconfirmed.get(url)?.failures ?? 0) + 1;
    this.#unconfirmed.set(url, { failures, rounds: Math.min(2 ** failures, 64) });
  }
}

export interface DispatcherListRouteOptions extends InternalRouteOptions {
  readonly registry: Pick<DispatcherRegistry, "self" | "list">;
}

/** For frontends and backends. */
export function createDispatcherListRoute(options: DispatcherListRouteOptions): Route {
  const { refusals, registry } = options;
  return internalRoute(options, DISPATCHERS_PATH, DISPATCHERS_CALL_BYTES_MAX, async ({ from }) => {
    if (from !== "backend" && !from.startsWith("frontend "))
      throw refuse(refusals, "not-the-caller");
    return Response.json({ id: registry.self.id, dispatchers: registry.list });
  });
}
