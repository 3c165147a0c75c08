/**
 * Injects one bug into a run, after everything that could repair it: so the checkers are tested
 * themselves.
 */

import type { ClientEvent } from "@ovation/client";
import type { Message, Topic } from "@ovation/protocol";
import type { Truth } from "./checkers/truth.ts";
import type { Check } from "./checkers/verdict.ts";
import type { Cluster } from "./cluster.ts";
import type { Sabotage } from "./sabotage.ts";

/** Each bug, and the checks that may detect it first. */
export const PLANTED = {
  "frame-lost": ["wire-hole", "incomplete"],
  "frame-repeated": ["wire-order"],
  "frames-swapped": ["wire-hole", "wire-order"],
  "frame-altered": ["content"],
  "frame-leaked": ["not-subscribed"],
  "live-frame-repeated": ["live-twice"],
  "callback-lost": ["sdk-order", "incomplete"],
  "callback-repeated": ["sdk-order"],
  "live-callback-repeated": ["live-again"],
  "not-recovered": ["unjustified-reset"],
  "row-stale": ["table-stale"],
  "row-lost": ["table-missing"],
  "viewers-miscounted": ["viewer-counts"],
  "likes-miscounted": ["likes"],
  "acknowledged-lost": ["acknowledged-lost"],
  "connection-leaked": ["memory"],
} as const satisfies Readonly<Record<string, readonly Check[]>>;

export type Planted = keyof typeof PLANTED;

/** The bug happens at the occasion of this number. */
const OCCASION = 3;

export class Saboteur implements Sabotage {
  /** Whether there was an occasion. */
  fired = false;
  readonly #planted: Planted;
  #occasions = 0;
  #kept: Message | undefined;

  constructor(planted: Planted) {
    this.#planted = planted;
  }

  frames(message: Message, returned: boolean): readonly Message[] {
    const durable = message.data.includes(`"seq":`) && message.type !== "connection";
    if (this.#kept !== undefined && durable) {
      const kept = this.#kept;
      this.#kept = undefined;
      return [message, kept];
    }
    switch (this.#planted) {
      case "frame-lost":
        return durable && this.#isTime() ? [] : [message];
      case "frame-repeated":
        return durable && this.#isTime() ? [message, message] : [message];
      case "frames-swapped":
        if (!durable || !this.#isTime()) return [message];
        this.#kept = message;
        return [];
      case "frame-altered":
        return durable && this.#isTime()
          ? [{ ...message, data: message.data.replace(`"text"`, `"test"`) }]
          : [message];
      case "frame-leaked":
        return durable && this.#isTime()
          ? [
              message,
              {
                ...message,
                data: message.data.replace(/"topic":"[^"]*"/, `"topic":"member:else"`),
              },
            ]
          : [message];
      case "live-frame-repeated":
        return message.type === "goal" && this.#isTime() ? [message, message] : [message];
      case "not-recovered":
        return returned &&
          message.type === "connection" &&
          message.data.includes(`"recovered":true`) &&
          this.#isTime()
          ? [{ ...message, data: message.data.replaceAll(`"recovered":true`, `"recovered":false`) }]
          : [message];
      default:
        return [message];
    }
  }

  callbacks({ seq, type }: ClientEvent): number {
    if (seq === undefined)
      return this.#planted === "live-callback-repeated" && type === "goal" && this.#isTime()
        ? 2
        : 1;
    if (this.#planted === "callback-lost" && this.#isTime()) return 0;
    return this.#planted === "callback-repeated" && this.#isTime() ? 2 : 1;
  }

  /** When the run is idle, before the last checks. */
  atTheEnd(cluster: Cluster, truth: Truth, topics: readonly Topic[]): void {
    for (const datacenter of cluster.datacenters) {
      for (const { frontend, topics: has } of datacenter.living) {
        const had = topics.find((topic) => has.includes(topic));
        const other = topics.find((topic) => !has.includes(topic));
        const generation = Number.MAX_SAFE_INTEGER;
        if (this.#planted === "row-stale" && other !== undefined) {
          void datacenter.store.table.change(frontend.id, [
            { topic: other, subscribed: true, generation },
          ]);
          this.fired = true;
        } else if (this.#planted === "row-lost" && had !== undefined) {
          void datacenter.store.table.change(frontend.id, [
            { topic: had, subscribed: false, generation },
          ]);
          this.fired = true;
        } else if (this.#planted === "connection-leaked") {
          const [connection] = frontend.connections.values();
          if (connection === undefined) continue;
          frontend.connections.set(`${connection.id}x` as typeof connection.id, connection);
          this.fired = true;
        }
      }
    }
    if (this.#planted === "acknowledged-lost") {
      const [topic] = topics;
      if (topic !== undefined) truth.acknowledge(topic, truth.head(topic) + 1, "never written");
      this.fired = true;
    }
  }

  /** Before the end, so that it has time to spread: wrong numbers. */
  afterHealing(cluster: Cluster, truth: Truth, topics: readonly Topic[]): void {
    if (this.#planted === "likes-miscounted") for (const topic of topics) truth.liked(topic, 1);
    else if (this.#planted !== "viewers-miscounted") return;
    for (const { store } of cluster.datacenters) {
      if (this.#planted !== "viewers-miscounted") break;
      void store.counts.report(
        "no-reporter",
        topics.map((topic) => ({ topic, viewers: 7 })),
        86_400_000,
      );
    }
    this.fired = true;
  }

  #isTime(): boolean {
    if (this.fired || ++this.#occasions < OCCASION) return false;
    this.fired = true;
    return true;
  }
}
