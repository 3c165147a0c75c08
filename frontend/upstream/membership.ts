/**
 * Membership: this frontend's rows in the data centre's subscription table.
 *
 * The first local subscriber of a topic puts the row there, the last one removes it, after a while:
 * most disconnecting clients reconnect. Batches of changes may overtake each other, so each change
 * has a generation, and the table ignores a lower one.
 *
 * A connect brings up to a hundred topics, and a frontend may have to put back a million: pending
 * are one entry for each topic and one timer for each connect; a change is created when it is sent.
 *
 * When the lease is a new one (the old one expired, or the store was emptied), every row is put
 * again.
 */

import { type Clock, Problem, type Topic } from "@ovation/protocol";
import type { Hub, HubChannel } from "../broadcast/hub.ts";
import { Lingering } from "../broadcast/lingering.ts";
import {
  CHANGES_PER_CALL_MAX,
  JOIN_TIMEOUT_MS,
  LEASE_MS,
  LEASE_RENEW_MS,
  LINGER_MS,
  UPSTREAM_RETRY_FIRST_MS,
  UPSTREAM_RETRY_LAST_MS,
} from "../limits.ts";
import { retry, sleep } from "./retry.ts";
import { NO_DISPATCHER, type TopicHead, type Upstream, type UpstreamChange } from "./upstream.ts";

export interface MembershipOptions {
  readonly hub: Hub;
  readonly upstream: Upstream;
  /**
   * A row of the frontend's own, by which dispatchers find it when its connections are asked about.
   */
  readonly ownTopic: Topic;
  readonly clock: Clock;
  readonly random: () => number;
  soon(run: () => void): void;
  /** The topic has events up to `seq`, which may be further than what is here. */
  onHead(channel: HubChannel, seq: number): void;
  /** The channel is not the hub's any more. */
  onForgotten(channel: HubChannel): void;
  onFailure(what: string, error: unknown): void;
  readonly lingerMs?: number;
}

/** What the frontend misses: an answer of a dispatcher, or the table behind those that answer. */
export interface Unreachable {
  readonly what: "dispatchers" | "store";
  readonly why: string;
}

/** A connect or change that waits until several topics are joined. */
interface Joining {
  missing: number;
  done(): void;
}

export class Membership {
  /** Whether the last call upwards was answered: `readyz` says it. */
  reachable = true;
  /** Why not, as the last failed call said it. */
  unreachableWhy: Unreachable | undefined;

  readonly #options: MembershipOptions;
  /** Topics whose rows have to be put or taken out: whether they are subscribed. */
  readonly #queued = new Map<Topic, boolean>();
  readonly #waiters = new Map<Topic, Joining[]>();
  #generation = 0;
  readonly #lingering: Lingering<HubChannel>;
  /** Changes wait until `begin`. */
  #flushing = true;
  #stopped = false;
  /** Heads that are collected for `refresh`. */
  #refreshing: TopicHead[] | undefined;
  readonly #whenFlushed: (() => void)[] = [];

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#lingering = new Lingering({
      clock: options.clock,
      lingerMs: options.lingerMs ?? LINGER_MS,
      onOver: (channel) => this.#leaveNow(channel),
    });
  }

  /**
   * Sends what was asked for so far, and from now on. The frontend's first report comes before: it
   * says from which stamp on reports name what is new, and a head read earlier could miss one
   * between the two.
   */
  begin(): void {
    void this.#flush();
  }

  /**
   * Resolves when every later event of the topics arrives here; rejects after JOIN_TIMEOUT_MS
   * without an answer.
   */
  join(channels: readonly HubChannel[]): Promise<void> {
    const missing = channels.filter((channel) => !channel.joined);
    if (missing.length === 0) return Promise.resolve();
    for (const channel of missing) this.#lingering.came(channel);
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(JOIN_TIMEOUT_MS, () =>
        reject(new Error("no dispatcher answered in time")),
      );
      const joining: Joining = {
        missing: missing.length,
        done() {
          cancel();
          resolve();
        },
      };
      for (const { topic } of missing) {
        const others = this.#waiters.get(topic);
        if (others !== undefined) {
          others.push(joining);
          continue;
        }
        this.#waiters.set(topic, [joining]);
        this.#change(topic, true);
      }
    });
  }

  /** The last subscriber left: the row goes unless another one comes in time. */
  leave(channel: HubChannel): void {
    this.#lingering.left(channel);
  }

  /** Forgets up to so many topics without a subscriber, the oldest first; answers how many. */
  forgetIdle(count: number): number {
    let forgotten = 0;
    while (forgotten < count) {
      const channel = this.#lingering.shift();
      if (channel === undefined) break;
      if (this.#leaveNow(channel)) forgotten++;
    }
    return forgotten;
  }

  /** Whether the channel went. */
  #leaveNow(channel: HubChannel): boolean {
    const { hub } = this.#options;
    if (
      this.#stopped ||
      channel.subscribers > 0 ||
      hub.channel(channel.topic) !== channel ||
      this.#waiters.has(channel.topic)
    )
      return false;
    hub.forget(channel);
    this.#options.onForgotten(channel);
    this.#change(channel.topic, false);
    return true;
  }

  /** The table has a row without a channel: a late subscribe left it, or the topic was reset. */
  unwanted(topic: Topic): void {
    if (topic === this.#options.ownTopic || this.#queued.has(topic)) return;
    if (this.#options.hub.channel(topic) === undefined) this.#change(topic, false);
  }

  /** Renews the lease until `stop`. */
  async keepLease(): Promise<void> {
    const { clock, upstream } = this.#options;
    let known: string | undefined;
    while (!this.#stopped) {
      let waitMs = LEASE_RENEW_MS;
      try {
        const mark = await upstream.renew(LEASE_MS);
        this.reachable = true;
        if (mark !== known) this.#putAllBack();
        known = mark;
      } catch (error) {
        this.#unreachable(error);
        this.#options.onFailure("renew", error);
        waitMs = 500;
      }
      await sleep(clock, waitMs);
    }
  }

  /** Unregisters: dispatchers stop sending at once. */
  async stop(): Promise<void> {
    this.#stopped = true;
    try {
      await this.#options.upstream.release();
    } catch (error) {
      // Without it the lease runs out by itself.
      this.#options.onFailure("release", error);
    }
  }

  #unreachable(error: unknown): void {
    this.reachable = false;
    const isStore = error instanceof Problem && error.code === "unavailable";
    const why = error instanceof Error ? error.message : String(error);
    this.unreachableWhy = { what: isStore && why !== NO_DISPATCHER ? "store" : "dispatchers", why };
  }

  /** Puts every row again, and answers the head of each topic. */
  async refresh(): Promise<readonly TopicHead[]> {
    const heads: TopicHead[] = [];
    this.#refreshing = heads;
    this.#putAllBack();
    await new Promise<void>((resolve) => this.#whenFlushed.push(resolve));
    this.#refreshing = undefined;
    return heads;
  }

  #putAllBack(): void {
    this.#change(this.#options.ownTopic, true);
    for (const channel of this.#options.hub.channels.values()) this.#change(channel.topic, true);
  }

  #change(topic: Topic, subscribed: boolean): void {
    this.#queued.set(topic, subscribed);
    if (this.#flushing) return;
    this.#flushing = true;
    this.#options.soon(() => {
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    while (this.#queued.size > 0 && !this.#stopped) {
      const changes = this.#takeQueued();
      const heads = await this.#send(changes);
      for (const head of heads ?? []) this.#joined(head);
    }
    this.#flushing = false;
    for (const resolve of this.#whenFlushed.splice(0)) resolve();
  }

  /** Sent one after the other, so the order of taking is that of the generations. */
  #takeQueued(): readonly UpstreamChange[] {
    const changes: UpstreamChange[] = [];
    for (const [topic, subscribed] of this.#queued) {
      if (changes.length >= CHANGES_PER_CALL_MAX) break;
      this.#queued.delete(topic);
      changes.push({ topic, subscribed, generation: ++this.#generation });
    }
    return changes;
  }

  #send(changes: readonly UpstreamChange[]): Promise<readonly TopicHead[] | undefined> {
    const { clock, random, upstream } = this.#options;
    return retry(
      { clock, random, firstMs: UPSTREAM_RETRY_FIRST_MS, longestMs: UPSTREAM_RETRY_LAST_MS },
      async () => {
        const heads = await upstream.change(changes);
        this.reachable = true;
        return heads;
      },
      (error) => {
        this.#unreachable(error);
        this.#options.onFailure("change", error);
      },
      () => this.#stopped,
    );
  }

  #joined(head: TopicHead): void {
    const { hub } = this.#options;
    hub.watermark.noteStored(head.epoch, head.stamp ?? 0);
    this.#refreshing?.push(head);
    const waiters = this.#waiters.get(head.topic);
    this.#waiters.delete(head.topic);
    const channel = hub.channel(head.topic);
    if (channel !== undefined) this.#startChannel(channel, head);
    for (const joining of waiters ?? []) if (--joining.missing === 0) joining.done();
    // The last subscriber may have left during the join.
    if (channel?.subscribers === 0) this.leave(channel);
  }

  #startChannel(channel: HubChannel, head: TopicHead): void {
    const { hub } = this.#options;
    if (channel.joined) {
      this.#options.onHead(channel, head.seq);
    } else {
      // The broadcasts so far say nothing of this channel: one of the same topic may have been
      // forgotten since.
      channel.startAt({ seq: head.seq, epoch: head.epoch }, hub.order + 1);
      hub.schedule(channel);
      // A report that came meanwhile may have named a later one.
      this.#options.onHead(channel, Math.max(head.seq, channel.known));
    }
  }
}
