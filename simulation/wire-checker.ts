/**
 * Checks what one connection carries, before any client looks at it: nothing of a topic that it is not
 * subscribed to; the durable events of a topic in order and without a hole; no live event twice.
 */

import { markOf, parsePosition, type Topic } from "@ovation/protocol";
import type { World } from "./world.ts";

interface Carried {
  subscribed: boolean;
  /** The step in which the subscription last ended; what was written until then may still arrive. */
  endedStep: number;
  /** Whether `last` was written before or after that. */
  afterEnd: boolean;
  last: number | undefined;
  /** Where the first event said that the topic begins. (A frontend that is behind the viewer repeats some.) */
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
    else this.#topics.set(topic, { subscribed: true, endedStep: -1, afterEnd: true, last: undefined, from: undefined });
  }

  unsubscribed(topic: Topic): void {
    const carried = this.#topics.get(topic);
    if (carried === undefined) return;
    carried.subscribed = false;
    carried.endedStep = this.#world.timeline.steps;
    carried.afterEnd = false;
  }

  /** The first event: what follows begins where its id says. */
  opened(id: string): void {
    const marks = parsePosition(id)?.topics;
    for (const [topic, carried] of this.#topics) {
      const listed = marks?.get(markOf(topic));
      if (listed !== undefined && carried.endedStep < 0) carried.from = listed.seq;
    }
  }

  message(type: string, envelope: Envelope, writtenStep: number): void {
    const { verdict, truth } = this.#world;
    const { topic, seq } = envelope;
    const carried = this.#topics.get(topic);
    if (carried === undefined || (!carried.subscribed && writtenStep > carried.endedStep)) {
      verdict.fail("not-subscribed", `${this.#who} got ${type} ${seq ?? ""} of ${topic}`);
      return;
    }
    if (seq === undefined) {
      this.#checkLive(type, envelope);
      return;
    }
    const afterEnd = writtenStep > carried.endedStep;
    if (afterEnd !== carried.afterEnd) {
      carried.afterEnd = afterEnd;
      carried.last = undefined;
      carried.from = undefined;
    }
    if (carried.last === undefined && carried.from !== undefined && seq > carried.from + 1) {
      verdict.fail("wire-hole", `${this.#who} was told that ${topic} begins after ${carried.from}, and got ${seq}`);
    }
    if (carried.last !== undefined && seq <= carried.last) {
      verdict.fail("wire-order", `${this.#who} got ${topic} ${seq} after ${carried.last} on one connection`);
    } else if (carried.last !== undefined && seq > carried.last + 1) {
      verdict.fail("wire-hole", `${this.#who} got ${topic} ${seq} after ${carried.last} on one connection`);
    }
    if (!truth.wasEver(topic, seq, JSON.stringify(envelope.data))) {
      verdict.fail("content", `${this.#who} got ${topic} ${seq} with ${JSON.stringify(envelope.data)}, not ${truth.dataOf(topic, seq)}`);
    }
    carried.last = seq;
  }

  #checkLive(type: string, { topic, data }: Envelope): void {
    if (type !== "goal") return;
    const { number } = data as { readonly number: number };
    if (this.#live.has(number)) this.#world.verdict.fail("live-twice", `${this.#who} got live event ${number} of ${topic} twice`);
    this.#live.add(number);
  }
}
