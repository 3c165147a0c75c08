/**
 * The frontend's upstream over the network: any of several dispatchers.
 *
 * Each call chooses its dispatcher (`dispatcher-choice.ts`). Where one does not respond, another
 * one is tried at once. All calls are idempotent, so a call whose response was lost is repeated. An
 * error that a dispatcher reports (the table is unreachable) is passed on: the other dispatchers
 * would report the same.
 */

import {
  type ConnectionChange,
  type ConnectionChangeResult,
  type EventPage,
  NO_DISPATCHER,
  type Report,
  type TopicHead,
  type Upstream,
  type UpstreamChange,
} from "@ovation/frontend";
import {
  type Clock,
  type Epoch,
  type Moment,
  Problem,
  type StaffMember,
  type Stamp,
  type Topic,
} from "@ovation/protocol";
import type { LeaseMark } from "@ovation/table";
import type { TopicViewers } from "../dispatcher-api.ts";
import { type FrontendCredential, formatFrontendCaller } from "../links/frontend-credential.ts";
import type { InternalAuth } from "./auth.ts";
import {
  CallFailedError,
  createInternalClient,
  type InternalClient,
  type InternalTls,
} from "./client.ts";
import { DispatcherChoice } from "./dispatcher-choice.ts";
import { DispatcherLearner } from "./learner.ts";
import {
  CHANGES_PER_CALL_MAX,
  COUNTS_PER_CALL_MAX,
  MEMBERS_PER_CALL_MAX,
  UPSTREAM_PATHS,
} from "./upstream-calls.ts";

export interface HttpUpstreamOptions {
  /**
   * Internal URLs of dispatchers, `http://host:port`. A name that resolves to several is one. With
   * `learns` they are those that are asked for the others.
   */
  readonly dispatchers: readonly string[];
  readonly learns?: boolean;
  readonly auth: InternalAuth;
  readonly credential: FrontendCredential;
  /** The internal listener of this frontend. */
  readonly url: string;
  readonly clock: Clock;
  random?(): number;
  readonly tls?: InternalTls;
  /** One attempt. Default 2,000. */
  readonly timeoutMs?: number;
}

/** Attempts of one call, over all dispatchers. */
export const ATTEMPTS_MAX = 4;
/** Calls in flight; beyond, a call is rejected at once. */
export const CALLS_MAX = 2000;
/** The pause before another round over all dispatchers is drawn between 0 and this. */
const ROUND_MS = 200;
const TIMEOUT_MS = 2000;

/** One call, on any dispatcher. */
class UpstreamCalls {
  readonly #options: HttpUpstreamOptions;
  readonly #client: InternalClient;
  readonly #choice: DispatcherChoice;
  readonly #learner: DispatcherLearner | undefined;
  #inFlight = 0;

  constructor(options: HttpUpstreamOptions) {
    const { auth, clock, credential, dispatchers, random = Math.random, tls, url } = options;
    this.#options = options;
    this.#choice = new DispatcherChoice(dispatchers, clock, random);
    this.#client = createInternalClient({
      auth,
      from: formatFrontendCaller(credential, url),
      ...(tls === undefined ? {} : { tls }),
    });
    if (options.learns !== true) return;
    const learnt = { choice: this.#choice, client: this.#client, clock, random };
    this.#learner = new DispatcherLearner(learnt);
    this.#learner.start();
  }

  get dispatchers(): readonly string[] {
    return this.#choice.urls;
  }

  close(): void {
    this.#learner?.close();
  }

  /** `key`: calls with the same one go to the same dispatcher, which shares their work. */
  async call(path: string, body: unknown, key?: string): Promise<unknown> {
    if (this.#inFlight >= CALLS_MAX)
      throw new Problem("unavailable", "too many calls to dispatchers", { retryAfterMs: 1000 });
    this.#inFlight++;
    try {
      return await this.#attempt(path, JSON.stringify(body), key);
    } finally {
      this.#inFlight--;
    }
  }

  async #attempt(path: string, body: string, key: string | undefined): Promise<unknown> {
    const { clock, random = Math.random, timeoutMs = TIMEOUT_MS } = this.#options;
    const tried = new Set<string>();
    for (let attempt = 1; ; attempt++) {
      const dispatcher =
        key === undefined ? this.#choice.pick(tried) : this.#choice.pickFor(key, tried);
      const call = () => this.#client.call(dispatcher, path, body, { timeoutMs });
      try {
        return await this.#choice.run(dispatcher, call, hasNotResponded);
      } catch (error) {
        if (!hasNotResponded(error)) throw error;
        if (attempt >= ATTEMPTS_MAX)
          throw new Problem("unavailable", NO_DISPATCHER, { retryAfterMs: 1000 });
        tried.add(dispatcher);
        if (tried.size < this.#choice.size) continue;
        tried.clear();
        await new Promise<void>((resolve) => clock.after(random() * ROUND_MS, resolve));
      }
    }
  }
}

function hasNotResponded(error: unknown): boolean {
  return (
    error instanceof CallFailedError || (error instanceof Problem && error.code === "bad-gateway")
  );
}

/** Splits what is too large for one call. */
export class HttpUpstream implements Upstream {
  readonly #calls: UpstreamCalls;

  constructor(options: HttpUpstreamOptions) {
    this.#calls = new UpstreamCalls(options);
  }

  /** The dispatchers that are called. */
  get dispatchers(): readonly string[] {
    return this.#calls.dispatchers;
  }

  /** Ends the learning of dispatchers. */
  close(): void {
    this.#calls.close();
  }

  async change(changes: readonly UpstreamChange[]): Promise<TopicHead[]> {
    const heads: TopicHead[] = [];
    for (const slice of slices(changes, CHANGES_PER_CALL_MAX))
      heads.push(...(await this.#call<TopicHead[]>("change", { changes: slice })));
    return heads;
  }

  async report(viewers: readonly TopicViewers[], since: Stamp): Promise<Report> {
    const [first = [], ...others] = slices(viewers, COUNTS_PER_CALL_MAX);
    let report = await this.#call<Report>("report", { viewers: first, since });
    for (const slice of others) {
      const more = await this.#call<Report>("report", { viewers: slice, since: report.stamp });
      report = {
        viewers: [...report.viewers, ...more.viewers],
        heads: [...report.heads, ...more.heads],
        stamp: more.stamp,
        epoch: more.epoch,
        more: more.more,
      };
    }
    return report;
  }

  read(topic: Topic, after: number, limit: number, need?: number): Promise<EventPage> {
    return this.#call("read", { topic, after, limit, need }, topic);
  }

  wrote(topic: Topic, seq: number, epoch: Epoch): Promise<"yes" | "no" | "unknown"> {
    return this.#call("wrote", { topic, seq, epoch });
  }

  async reached(moment: Moment): Promise<boolean> {
    return (await this.#call<{ readonly reached: boolean }>("reached", moment)).reached;
  }

  headAt(topic: Topic, stamp: Stamp): Promise<TopicHead> {
    return this.#call("headAt", { topic, stamp });
  }

  changeConnection(change: ConnectionChange): Promise<ConnectionChangeResult> {
    return this.#call("changeConnection", change);
  }

  async present(members: readonly string[], staff: readonly StaffMember[]): Promise<void> {
    for (let start = 0; start < members.length; start += MEMBERS_PER_CALL_MAX) {
      const end = start + MEMBERS_PER_CALL_MAX;
      // There are at most as many staff members as members.
      const call = { members: members.slice(start, end), staff: staff.slice(start, end) };
      await this.#call("present", call);
    }
  }

  async upgraded(guests: readonly string[]): Promise<readonly string[]> {
    const upgraded: string[] = [];
    for (const slice of slices(guests, MEMBERS_PER_CALL_MAX))
      upgraded.push(
        ...(await this.#call<string[]>("upgraded", { guests: slice }).catch(noneIfUnknown)),
      );
    return upgraded;
  }

  async renew(ttlMs: number): Promise<LeaseMark> {
    return String(await this.#call("renew", { ttlMs: Math.round(ttlMs) }));
  }

  async probe(number: number): Promise<void> {
    await this.#call("probe", { number });
  }

  async release(): Promise<void> {
    await this.#call("release", {});
  }

  async #call<Result>(
    name: keyof typeof UPSTREAM_PATHS,
    body: unknown,
    key?: string,
  ): Promise<Result> {
    return (await this.#calls.call(UPSTREAM_PATHS[name], body, key)) as Result;
  }
}

function slices<Value>(values: readonly Value[], size: number): (readonly Value[])[] {
  const result: (readonly Value[])[] = [];
  for (let start = 0; start < values.length; start += size)
    result.push(values.slice(start, start + size));
  return result;
}

/** A dispatcher of an earlier version has no such call. */
function noneIfUnknown(error: unknown): readonly string[] {
  if (error instanceof Problem && error.code === "not-found") return [];
  throw error;
}
