/**
 * Which dispatcher the next call goes to: of two random ones the one with fewer calls of this
 * process in flight. So calls spread over all dispatchers, also over one that was restarted, and a
 * slow one gets fewer.
 *
 * A dispatcher that did not respond is avoided, for longer after each failure in a row.
 *
 * Those that were learned (`learner.ts`) replace the seeds; where none of them responds, the seeds
 * are called again.
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

function newCandidate(url: string): Candidate {
  return { url, inFlight: 0, failures: 0, avoidUntil: 0 };
}

export class DispatcherChoice {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #seeds: ReadonlySet<string>;
  #learned: ReadonlySet<string> = NONE;
  #candidates: ReadonlyMap<string, Candidate>;

  constructor(seeds: readonly string[], clock: Clock, random: () => number) {
    if (seeds.length === 0) throw new Error("name the URL of at least one dispatcher");
    this.#clock = clock;
    this.#random = random;
    this.#seeds = new Set(seeds);
    this.#candidates = new Map(seeds.map((url) => [url, newCandidate(url)]));
  }

  /** The dispatchers that are called from now on; none: the seeds. */
  learn(urls: readonly string[]): void {
    this.#learned = new Set(urls);
    const all = this.#seeds.union(this.#learned);
    this.#candidates = new Map(
      [...all].map((url) => [url, this.#candidates.get(url) ?? newCandidate(url)]),
    );
  }

  /** Those that calls go to. */
  get urls(): readonly string[] {
    return [...(this.#learned.size > 0 ? this.#learned : this.#seeds)];
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
    const isUsed = ({ url }: Candidate) => this.#learned.size === 0 || this.#learned.has(url);
    const lists = [good.filter(isUsed), good, untried.filter(isUsed), untried];
    return lists.find(({ length }) => length > 0) ?? all;
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
