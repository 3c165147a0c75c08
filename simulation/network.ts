/**
 * The network between places: messages arrive later, reordered, or never. Calls have a deadline;
 * whether a call without a reply was carried out is unknown.
 */

import type { Random } from "../testing/random.ts";
import type { Timeline } from "./clock.ts";
import type { Node, Place } from "./node.ts";

export interface Weather {
  /**
   * One way within a data centre, ms; each message draws its own between half and the whole of it.
   */
  readonly delayMs: number;
  /** One way between data centres. */
  readonly farDelayMs: number;
  /** Share of the messages that are lost. */
  readonly loss: number;
  /** Share that takes twenty times as long. */
  readonly straggling: number;
}

export const CALM: Weather = { delayMs: 1, farDelayMs: 40, loss: 0, straggling: 0 };

/** No reply came: the peer is unreachable, or it or the reply is late or lost. */
export class CallError extends Error {
  override readonly name = "CallError";
}

export interface Cut {
  readonly what: string;
  separates(from: Place, to: Place): boolean;
}

export class Network {
  weather: Weather = CALM;
  readonly cuts = new Set<Cut>();
  readonly #timeline: Timeline;
  readonly #random: Random;

  constructor(timeline: Timeline, random: Random) {
    this.#timeline = timeline;
    this.#random = random;
  }

  isCut(from: Place, to: Place): boolean {
    for (const cut of this.cuts) if (cut.separates(from, to)) return true;
    return false;
  }

  /** One way, ms. */
  delay(from: Place, to: Place): number {
    const { delayMs, farDelayMs, straggling } = this.weather;
    const base =
      (from.datacenter === to.datacenter ? delayMs : farDelayMs) * this.#random.between(0.5, 1);
    const slow = (from.node?.slowMs ?? 0) + (to.node?.slowMs ?? 0);
    return (this.#random.chance(straggling) ? base * 20 : base) + slow;
  }

  /** One message. `onRefused` is called where no process listens at the other end. */
  send(from: Node, to: Place, run: (there: Node) => void, onRefused?: () => void): void {
    if (!from.alive || this.isCut(from.place, to) || this.#random.chance(this.weather.loss)) return;
    const delay = this.delay(from.place, to);
    this.#timeline.after(delay, () => {
      if (this.isCut(from.place, to)) return;
      const there = to.alive;
      if (there !== undefined) there.do(() => run(there));
      else if (onRefused !== undefined) this.#timeline.after(delay, () => from.do(onRefused));
    });
  }

  /** Rejects with a {@link CallError}, or with what the peer threw. */
  call<Value>(
    from: Node,
    to: Place,
    timeoutMs: number,
    work: (there: Node) => Promise<Value>,
  ): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      const cancel = from.after(timeoutMs, () =>
        reject(new CallError(`${to.name} did not answer in ${timeoutMs} ms`)),
      );
      const answer = (there: Node, settle: () => void): void =>
        this.send(there, from.place, (here) => {
          // The reply to a call of an earlier incarnation is dropped.
          if (here !== from) return;
          cancel();
          settle();
        });
      this.send(
        from,
        to,
        (there) => {
          work(there).then(
            (value) => answer(there, () => resolve(value)),
            (error: unknown) => answer(there, () => reject(error)),
          );
        },
        () => {
          cancel();
          reject(new CallError(`nothing listens at ${to.name}`));
        },
      );
    });
  }
}
