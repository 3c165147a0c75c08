/**
 * Which dispatcher the next call goes to: of two random ones the one with fewer calls of this
 * process in flight. So calls spread over all dispatchers, also over one that was restarted, and a
 * slow one gets fewer.
 *
 * A dispatcher that did not respond is avoided, for longer after each failure in a row.
 *
 * Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001.
 */

import { type BackoffBounds, boundBackoffMs, type Clock } from "@ovation/protocol";
import { rendezvous } from "./rendezvous.ts";

/** How long a dispatcher that did not respond is avoided, if another one is available. */
export const AVOID_MS: BackoffBounds = { firstMs: 1000, longestMs: 30_000 };

interface Candidate {
  readonly url: string;
  inFlight: number;
  /** In a row. */
  failures: number;
  avoidUntil: number;
}

const NONE: ReadonlySet<string> = new Set();

export class DispatcherChoice {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #candidates: ReadonlyMap<string, Candidate>;

  constructor(urls: readonly string[], clock: Clock, random: () => number) {
    if (urls.length === 0) throw new Error("name the URL of at least one dispatcher");
    this.#clock = clock;
    this.#random = random;
    this.#candidates = new Map(
      urls.map((url) => [url, { url, inFlight: 0, failures: 0, avoidUntil: 0 }]),
    );
  }

  get size(): number {
    return this.#candidates.size;
  }

  /** `tried`: they did not respond to this call. They are chosen when there is no other. */
  pick(tried: ReadonlySet<string> = NONE): string {
    const list = this.#listOf(tried);
    const first = this.#draw(list);
    const second = this.#draw(list);
    return (second.inFlight < first.inFlight ? second : first).url;
  }

  /** The same one for the same key in every process, while it responds. */
  pickFor(key: string, tried: ReadonlySet<string> = NONE): string {
    const urls = this.#listOf(tried).map(({ url }) => url);
    return rendezvous(urls, key) ?? this.pick(tried);
  }

  /** Those that respond; where all are avoided or tried, the others. */
  #listOf(tried: ReadonlySet<string>): readonly Candidate[] {
    const all = [...this.#candidates.values()];
    const untried = all.filter(({ url }) => !tried.has(url));
    const now = this.#clock.now();
    const good = untried.filter(({ avoidUntil }) => avoidUntil <= now);
    const [list = all] = [good, untried].filter(({ length }) => length > 0);
    return list;
  }

  /** Runs a call on the dispatcher; `hasFailed` tells which errors mean that it did not respond. */
  async run<Result>(
    url: string,
    call: () => Promise<Result>,
    hasFailed: (error: unknown) => boolean,
  ): Promise<Result> {
    const candidate = this.#candidates.get(url);
    if (candidate === undefined) return call();
    candidate.inFlight++;
    try {
      const result = await call();
      candidate.failures = 0;
      return result;
    } catch (error) {
      if (hasFailed(error)) this.#avoid(candidate);
      else candidate.failures = 0;
      throw error;
    } finally {
      candidate.inFlight--;
    }
  }

  #avoid(candidate: Candidate): void {
    candidate.avoidUntil = this.#clock.now() + boundBackoffMs(AVOID_MS, candidate.failures);
    candidate.failures++;
  }

  #draw(list: readonly Candidate[]): Candidate {
    const index = Math.min(list.length - 1, Math.floor(this.#random() * list.length));
    return list[index] as Candidate;
  }
}
