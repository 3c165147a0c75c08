/**
 * Checks what one connection carries, before any client sees it: nothing of a topic that it is not
 * subscribed to; the durable events of a topic in order and without a hole; no live event twice.
 */

import { markOf, parsePosition, type Topic } from "@ovation/protocol";
import type { World } from "../world.ts";

interface Carried {
  subscribed: boolean;
  /** The steps in which the subscription ended; what was written until then may still arrive. */
  readonly endedSteps: number[];
  /** After how many of them `last` was written. */
  period: number;
  last: number | undefined;
  /**
   * Where the first event said that the topic begins. (A frontend that is behind the viewer repeats
   * some.)
   */
  from: number | undefined;
}

interface Envelope {
  readonly topic: Topic;
  readonly seq?: number;
  readonly data: unknown;
}

export class WireChecker {
  readonly #world: World;
  readonly #who: string;
  readonly #topics = new Map<Topic, Carried>();
  readonly #live = new Set<number>();

  constructor(world: World, who: string) {
    this.#world = world;
    this.#who = who;
  }

  subscribed(topic: Topic): void {
    const carried = this.#topics.get(topic);
    if (carried !== undefined) carried.subscribed = true;
    else
      this.#topics.set(topic, {
        subscribed: true,
        endedSteps: [],
        period: 0,
        last: undefined,
        from: undefined,
      });
  }

  unsubscribed(topic: Topic): void {
    const carried = this.#topics.get(topic);
    if (carried === undefined) return;
    carried.subscribed = false;
    carried.endedSteps.push(this.#world.timeline.steps);
  }

  /** The first event: the next ones begin where its id says. */
  opened(id: string): void {
    const marks = parsePosition(id)?.topics;
    for (const [topic, carried] of this.#topics) {
      const listed = marks?.get(markOf(topic));
      if (listed !== undefined && carried.endedSteps.length === 0) carried.from = listed.seq;
    }
  }

  message(type: string, envelope: Envelope, writtenStep: number): void {
    const { verdict, truth } = this.#world;
    const { topic, seq } = envelope;
    const carried = this.#topics.get(topic);
    if (
      carried === undefined ||
      (!carried.subscribed && writtenStep > (carried.endedSteps.at(-1) ?? -1))
    ) {
      verdict.fail("not-subscribed", `${this.#who} got ${type} ${seq ?? ""} of ${topic}`);
      return;
    }
    if (seq === undefined) {
      this.#checkLive(type, envelope);
      return;
    }
    const period = carried.endedSteps.filter((step) => step < writtenStep).length;
    if (period !== carried.period) {
      carried.period = period;
      carried.last = undefined;
      carried.from = undefined;
    }
    if (carried.last === undefined && carried.from !== undefined && seq > carried.from + 1) {
      verdict.fail(
        "wire-hole",
        `${this.#who} was told that ${topic} begins after ${carried.from}, and got ${seq}`,
      );
    }
    if (carried.last !== undefined && seq <= carried.last) {
      verdict.fail(
        "wire-order",
        `${this.#who} got ${topic} ${seq} after ${carried.last} on one connection`,
      );
    } else if (carried.last !== undefined && seq > carried.last + 1) {
      verdict.fail(
        "wire-hole",
        `${this.#who} got ${topic} ${seq} after ${carried.last} on one connection`,
      );
    }
    if (!truth.wasEver(topic, seq, JSON.stringify(envelope.data))) {
      verdict.fail(
        "content",
        `${this.#who} got ${topic} ${seq} with ${JSON.stringify(envelope.data)}, not ` +
          `${truth.dataOf(topic, seq)}`,
      );
    }
    carried.last = seq;
  }

  #checkLive(type: string, { topic, data }: Envelope): void {
    if (type !== "goal") return;
    const { number } = data as { readonly number: number };
    if (this.#live.has(number))
      this.#world.verdict.fail(
        "live-twice",
        `${this.#who} got live event ${number} of ${topic} twice`,
      );
    this.#live.add(number);
  }
}
