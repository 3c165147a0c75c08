/**
 * A model of everything above a frontend: a log and a table in a few lines, whose faults the test
 * chooses. Events are stored first; `deliver` says whether the fast path brings them.
 */

import {
  type DurableEvent,
  type Event,
  type Moment,
  parseTopic,
  type Stamp,
  type Topic,
  toJsonText,
} from "@ovation/protocol";
import type { Inbox, TopicHead, Upstream } from "../upstream/upstream.ts";

export function topic(text: string): Topic {
  const parsed = parseTopic(text);
  if (parsed === undefined) throw new Error(`not a topic: ${text}`);
  return parsed;
}

export class ModelUpstream implements Upstream {
  readonly subscribed = new Set<Topic>();
  /** The newest stamp of each past epoch. */
  readonly #ended = new Map<string, Stamp>();
  readonly calls = { reached: 0, change: 0, read: 0, wrote: 0, headAt: 0, report: 0 };
  epoch = "epoch1";
  /** Rejects every call while set. */
  away = false;
  /** Numbers below are past retention. */
  first = new Map<Topic, number>();
  inboxes: Inbox[] = [];
  readonly presentMembers: string[] = [];
  readonly #events = new Map<Topic, DurableEvent[]>();
  #stamp = 1000;

  /** Stores a durable event; `deliver: false` loses it between dispatcher and frontends. */
  append(
    name: Topic,
    data: unknown,
    options: { readonly deliver?: boolean; readonly type?: string } = {},
  ): DurableEvent {
    const events = this.#events.get(name) ?? [];
    this.#stamp++;
    const event: DurableEvent = {
      topic: name,
      type: options.type ?? "comment",
      at: this.#stamp,
      data: toJsonText(data),
      place: { seq: events.length + 1, epoch: this.epoch, stamp: this.#stamp },
    };
    this.#events.set(name, [...events, event]);
    if (options.deliver !== false) this.send([event]);
    return event;
  }

  live(name: Topic, type: string, data: unknown): void {
    this.send([{ topic: name, type, at: Date.now(), data: toJsonText(data) }]);
  }

  send(events: readonly Event[]): void {
    const wanted = events.filter((event) => this.subscribed.has(event.topic));
    if (wanted.length > 0) for (const inbox of this.inboxes) inbox.dispatch(wanted);
  }

  /** The log is another one from now on: everything after `seq` never happened. */
  rewind(name: Topic, seq: number, epoch: string): void {
    this.#events.set(name, (this.#events.get(name) ?? []).slice(0, seq));
    this.#ended.set(this.epoch, this.#newest);
    this.epoch = epoch;
  }

  get #newest(): Stamp {
    return Math.max(1000, ...[...this.#events.values()].map((all) => all.at(-1)?.place.stamp ?? 0));
  }

  async reached({ epoch, stamp }: Moment) {
    this.#answer("reached");
    if (epoch === "" || epoch === this.epoch) return stamp <= this.#newest;
    return stamp <= (this.#ended.get(epoch) ?? -1);
  }

  head(name: Topic): TopicHead {
    const last = this.#events.get(name)?.at(-1);
    return {
      topic: name,
      seq: last?.place.seq ?? 0,
      epoch: last?.place.epoch ?? "",
      first: this.first.get(name) ?? 1,
      stamp: last?.place.stamp ?? 0,
    };
  }

  async change(changes: Parameters<Upstream["change"]>[0]) {
    this.#answer("change");
    for (const change of changes) {
      if (change.subscribed) this.subscribed.add(change.topic);
      else this.subscribed.delete(change.topic);
    }
    return changes.filter((change) => change.subscribed).map((change) => this.head(change.topic));
  }

  async report(viewers: Parameters<Upstream["report"]>[0], since: Stamp) {
    this.#answer("report");
    const heads = [...this.#events].filter(
      ([, events]) => (events.at(-1)?.place.stamp ?? 0) > since && since >= 0,
    );
    const stamp = this.#newest;
    const epoch = [...this.#events.values()].flat().find((one) => one.place.stamp === stamp)
      ?.place.epoch;
    return { viewers, heads: heads.map(([name]) => this.head(name)), stamp, epoch };
  }

  async read(name: Topic, after: number, limit: number) {
    this.#answer("read");
    const from = Math.max(after, (this.first.get(name) ?? 1) - 1);
    return {
      events: (this.#events.get(name) ?? []).slice(from, from + limit),
      head: this.head(name),
    };
  }

  async wrote(name: Topic, seq: number, epoch: string) {
    this.#answer("wrote");
    if (seq < (this.first.get(name) ?? 1)) return "unknown" as const;
    return this.#events.get(name)?.[seq - 1]?.place.epoch === epoch
      ? ("yes" as const)
      : ("no" as const);
  }

  async headAt(name: Topic, stamp: Stamp) {
    this.#answer("headAt");
    const last = (this.#events.get(name) ?? []).findLast((event) => event.place.stamp <= stamp);
    return {
      topic: name,
      seq: last?.place.seq ?? 0,
      epoch: last?.place.epoch ?? "",
      first: this.first.get(name) ?? 1,
    };
  }

  async changeConnection() {
    return { ok: false, error: "unknown-connection" } as const;
  }

  async present(members: readonly string[]) {
    this.presentMembers.push(...members);
  }

  async renew() {
    return "lease";
  }

  async release() {}

  #answer(call: keyof ModelUpstream["calls"]): void {
    this.calls[call]++;
    if (this.away) throw new Error("the dispatchers are away");
  }
}
