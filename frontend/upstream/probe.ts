/**
 * The probe: an event that this frontend sends to itself every second, through lookup, dispatch and
 * link. When it is lost or late, so are the events of viewers.
 *
 * Its topic is the frontend's own row in the subscription table; no policy names that kind, so
 * no client can subscribe or publish to it.
 */

import type { Clock, Event, Topic } from "@ovation/protocol";
import { PROBE_LOST_MS, PROBE_MS } from "../limits.ts";
import { sleep } from "./retry.ts";
import type { Upstream } from "./upstream.ts";

const PROBE_TYPE = "canary";

export interface ProbeOptions {
  /** The frontend's own. */
  readonly topic: Topic;
  readonly upstream: Upstream;
  readonly clock: Clock;
  /** ms since some moment, by a clock that does not jump. */
  elapsed(): number;
}

export class Probe {
  sent = 0;
  received = 0;
  /** Did not come back in time. */
  lost = 0;
  /** A dispatcher said that it could not be dispatched, or none answered. */
  refused = 0;
  /** Called with the delay of each one that came back, ms. */
  onDelay: ((delayMs: number) => void) | undefined;
  readonly #options: ProbeOptions;
  /** When each probe in flight was sent. Bounded: old ones count as lost. */
  readonly #sentAt = new Map<number, number>();
  #stopped = false;

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  /** Until `stop`. A form of `Upstream` that cannot send one has none. */
  async run(): Promise<void> {
    const { upstream, clock } = this.#options;
    for (let number = 1; upstream.probe !== undefined && !this.#stopped; number++) {
      await sleep(clock, PROBE_MS);
      this.#giveUp();
      await this.#send(number);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Whether the event was one of these. */
  take(event: Event): boolean {
    if (event.topic !== this.#options.topic || event.type !== PROBE_TYPE) return false;
    const number = Number(event.data);
    const sentAt = this.#sentAt.get(number);
    // One that was given up, or comes twice, counts once.
    if (sentAt === undefined) return true;
    this.#sentAt.delete(number);
    this.received++;
    this.onDelay?.(this.#options.elapsed() - sentAt);
    return true;
  }

  async #send(number: number): Promise<void> {
    this.#sentAt.set(number, this.#options.elapsed());
    this.sent++;
    try {
      await this.#options.upstream.probe?.(number);
    } catch {
      // The metrics say it; the failures of the calls beside it are in the log.
      this.#sentAt.delete(number);
      this.refused++;
    }
  }

  #giveUp(): void {
    const before = this.#options.elapsed() - PROBE_LOST_MS;
    for (const [number, sentAt] of this.#sentAt) {
      if (sentAt > before) continue;
      this.#sentAt.delete(number);
      this.lost++;
    }
  }
}
