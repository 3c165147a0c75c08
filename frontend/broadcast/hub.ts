/**
 * The hub: topic → channel → subscriptions, and the scheduler of broadcasts.
 *
 * An event: `dispatch` gives it to its channel, where it waits. A channel is due at once when it
 * was idle, otherwise after a rest that depends on its last round. A tick makes one batch of all
 * that is due (encoded once) and begins a round over the subscriptions. Events that arrive during a
 * round go to later connections of the round, and to the others in the next one. A connection that
 * takes no bytes is skipped and served from the ring when it drains.
 */

import {
  type Clock,
  countDurable,
  countGaps,
  type DirectSender,
  type Event,
  type FrontendId,
  formatPoint,
  isDurable,
  type Policy,
  policyOf,
  type Topic,
} from "@ovation/protocol";
import { type Connection, hasOutstanding } from "../connections/connection.ts";
import type { Counters } from "../counters.ts";
import {
  BATCH_REST_SHARE,
  BATCH_WAIT_MAX_MS,
  BROADCAST_CLOCK_EVERY,
  BROADCAST_SLICE_MS,
} from "../limits.ts";
import { Watermark } from "../recovery/watermark.ts";
import type { Batch } from "./batch.ts";
import { Channel } from "./channel.ts";
import { ChannelKinds } from "./channel-kinds.ts";
import { ConnectionPump } from "./connection-pump.ts";
import { Round } from "./round.ts";
import type { Subscription } from "./subscription.ts";

export type HubSubscription = Subscription<Connection>;
export type HubChannel = Channel<HubSubscription>;

export interface HubOptions {
  readonly frontend: FrontendId;
  readonly policy: Policy;
  readonly clock: Clock;
  /** See `FrontendOptions.steady`. */
  readonly steady: Clock;
  readonly counters: Counters;
  /** Absent: every broadcast goes through the writers of the connections. */
  readonly sender?: DirectSender | undefined;
  /** Runs something one turn of the event loop later. */
  soon(run: () => void): void;
  /** ms since some moment, monotonic, with fractions: for waits and the length of rounds. */
  elapsed(): number;
  /** Sequence numbers up to `seq` are missing: they did not arrive, or were dropped. */
  onMissing(channel: HubChannel, seq: number): void;
  /** The log may have been restored. */
  onOtherEpoch(channel: HubChannel): void;
  /** An event of a topic without a channel: the subscription table has a row too many. */
  onUnwanted(event: Event): void;
  /** A connection fell behind its topic's ring. */
  onOvertaken(subscription: HubSubscription): void;
}

export class Hub {
  readonly channels = new Map<Topic, HubChannel>();
  /** The channels whose viewers are counted; personal topics, a million perhaps, are not. */
  readonly counted = new Set<HubChannel>();
  /** Counts batches over all channels. */
  order = 0;
  readonly watermark = new Watermark();
  readonly pump: ConnectionPump;

  readonly #options: HubOptions;
  readonly #kinds: ChannelKinds;
  #due: HubChannel[] = [];
  #ticking = false;
  /**
   * Rounds in progress or queued in this tick. Of single-subscriber rounds, only the one being
   * walked.
   */
  #walks = 0;
  /**
   * Single-subscriber rounds of this tick: each begins and ends in it; `Connection.due` counts
   * them.
   */
  #singles = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#kinds = new ChannelKinds(options.counters.pending);
    this.pump = new ConnectionPump({ ...options, order: () => this.order });
  }

  channel(topic: Topic): HubChannel | undefined {
    return this.channels.get(topic);
  }

  /** The topic's channel, created where there is none; throws for a kind without a policy. */
  open(topic: Topic): HubChannel {
    const known = this.channels.get(topic);
    if (known !== undefined) return known;
    const kind = policyOf(this.#options.policy, topic);
    if (kind === undefined) throw new Error(`no policy for ${topic}`);
    const channel = new Channel<HubSubscription>(topic, this.#kinds.of(kind));
    this.channels.set(topic, channel);
    if (kind.viewers) this.counted.add(channel);
    return channel;
  }

  forget(channel: HubChannel): void {
    if (this.channels.get(channel.topic) !== channel) return;
    this.channels.delete(channel.topic);
    this.counted.delete(channel);
  }

  dispatch(events: readonly Event[]): void {
    const now = this.#options.elapsed();
    this.#options.counters.dispatched += events.length - countGaps(events);
    this.#options.counters.durable.dispatched += countDurable(events);
    for (const event of events) {
      const channel = this.channels.get(event.topic);
      if (channel === undefined) {
        this.#options.onUnwanted(event);
        continue;
      }
      if (isDurable(event)) {
        this.watermark.note(event.place.epoch, event.place.stamp);
        const taken = channel.takeDurable(event);
        if (taken === "old") this.#options.counters.repeated++;
        else if (taken === "other-epoch") this.#options.onOtherEpoch(channel);
        else if (taken !== "taken" && channel.joined)
          this.#options.onMissing(channel, taken === "held" ? channel.seq : event.place.seq);
      } else {
        channel.takeLive(event, now);
      }
      this.schedule(channel);
    }
  }

  /**
   * A live event of this frontend. It may wait `patienceMs` to share a write with another event.
   */
  say(channel: HubChannel, event: Event, patienceMs: number): void {
    channel.takeLive(event, this.#options.elapsed(), patienceMs);
    this.schedule(channel);
  }

  /** Schedules the tick at which the channel is due. */
  schedule(channel: HubChannel): void {
    const { buffer } = channel;
    if (buffer === undefined || buffer.walking > 0) return;
    const dueAt = buffer.dueAt();
    if (dueAt === undefined || dueAt >= buffer.scheduledFor) return;
    buffer.scheduledFor = dueAt;
    const wait = dueAt - this.#options.elapsed();
    if (wait <= 0) {
      this.#tickSoon(channel);
      return;
    }
    this.#options.clock.after(wait, () => {
      // An earlier tick may have broadcast this event already.
      if (buffer.scheduledFor === dueAt) this.#tickSoon(channel);
    });
  }

  #tickSoon(channel: HubChannel): void {
    this.#due.push(channel);
    if (this.#ticking) return;
    this.#ticking = true;
    this.#options.soon(() => this.#tick());
  }

  /** Makes all batches first, so that a connection with several of the topics gets one write. */
  #tick(): void {
    this.#ticking = false;
    const due = this.#due;
    this.#due = [];
    const begun: {
      readonly round: Round<HubSubscription>;
      readonly single: HubSubscription | undefined;
    }[] = [];
    for (const channel of due) {
      const { buffer } = channel;
      if (buffer === undefined) continue;
      buffer.scheduledFor = Number.POSITIVE_INFINITY;
      // A round in progress takes what waits, or leaves it for the next one.
      if (buffer.walking > 0) continue;
      const first = channel.nextBatch;
      const batch = this.#makeBatch(channel);
      if (batch === undefined && !buffer.behind) {
        this.schedule(channel);
        continue;
      }
      const wasBehind = buffer.behind;
      buffer.beginRound(first);
      const { single } = channel;
      begun.push({
        round: new Round(channel, this.#options.sender, this.#options.elapsed()),
        single,
      });
      if (single === undefined) {
        if (!wasBehind) this.#walks++;
      } else {
        this.#singles++;
        single.connection.due++;
      }
    }
    for (const { round, single } of begun) {
      if (single !== undefined) this.#walks++;
      this.#walk(round);
    }
    for (const { single } of begun) if (single !== undefined) single.connection.due = 0;
    this.#singles = 0;
  }

  #makeBatch(channel: HubChannel): Batch | undefined {
    this.watermark.settle();
    const order = this.order + 1;
    const prefix = formatPoint({
      stamp: this.watermark.stamp,
      frontend: this.#options.frontend,
      order,
      reach: this.watermark.reach,
    });
    const batch = channel.makeBatch(order, prefix, this.#options.elapsed());
    if (batch === undefined) return undefined;
    this.order = order;
    this.#options.counters.batches++;
    return batch;
  }

  /**
   * Whether another topic may have events for the connection that belong before or into the same
   * write. Hot path: when a thousand personal topics are due together, checking all topics of each
   * connection was 1.7 of 4.7 µs an event (`channel.bench.ts`).
   */
  #mayHaveMore({ several, connection }: HubSubscription, own: number): boolean {
    return several && (this.#walks > 1 || (this.#singles > own && connection.due > own));
  }

  /**
   * Hot path: one pass and one system call per connection, no allocation, the same bytes for all.
   * With a descriptor, the subscription is the only object touched: the cache misses of the
   * connection, its writer and socket would cost more than all the rest (`load/`: write-cost).
   */
  #walk(round: Round<HubSubscription>): void {
    const { channel } = round;
    const { subscriptions } = channel;
    const { sender, elapsed, counters } = this.#options;
    const own = channel.single === undefined ? 0 : 1;
    const end = channel.nextBatch;
    const sliceStart = elapsed();
    const from = round.index;
    let written = 0;
    let events = 0;
    let durable = 0;
    let index = from;
    for (; index < subscriptions.length; index++) {
      if (
        index % BROADCAST_CLOCK_EVERY === 0 &&
        index > from &&
        elapsed() - sliceStart > BROADCAST_SLICE_MS
      )
        break;
      const subscription = subscriptions[index];
      if (subscription === null || subscription === undefined || subscription.next >= end) continue;
      const { descriptor, form } = subscription;
      const mayHaveMore = this.#mayHaveMore(subscription, own);
      if (descriptor < 0 || sender === undefined || mayHaveMore) {
        this.#writeTo(subscription, round, mayHaveMore);
        continue;
      }
      const run = round.runFrom(subscription.next);
      if (run === undefined) {
        this.#options.onOvertaken(subscription);
        continue;
      }
      subscription.next = end;
      written++;
      events += run.events;
      durable += run.durable;
      const taken = run.send(form, descriptor);
      const bytes = run.bytes(form);
      if (taken !== bytes.length) this.#writeRest(subscription.connection, bytes.subarray(taken));
    }
    counters.writes += written;
    counters.written += events;
    counters.durable.written += durable;
    round.index = index;
    if (index < subscriptions.length) this.#options.soon(() => this.#resume(round));
    else this.#endRound(round);
  }

  /** The next slice of a round; its connections also get what has arrived since the last slice. */
  #resume(round: Round<HubSubscription>): void {
    if (round.canTakeMore && round.channel.buffer?.hasDue(this.#options.elapsed()) === true) {
      const batch = this.#makeBatch(round.channel);
      if (batch !== undefined) round.take(batch);
    }
    this.#walk(round);
  }

  #endRound({ channel, behind, startedAt }: Round<HubSubscription>): void {
    const { elapsed } = this.#options;
    const took = elapsed() - startedAt;
    const restUntil =
      took < 1 ? 0 : elapsed() + Math.min(took * BATCH_REST_SHARE, BATCH_WAIT_MAX_MS);
    channel.buffer?.endRound(behind, restUntil);
    if (!behind) this.#walks--;
    channel.compact();
    this.schedule(channel);
  }

  /** One connection of a round, through its writer. */
  #writeTo(
    subscription: HubSubscription,
    round: Round<HubSubscription>,
    mayHaveMore: boolean,
  ): void {
    const { connection } = subscription;
    if (!connection.ready || connection.writer === undefined) return;
    if (mayHaveMore && hasOutstanding(connection, subscription)) {
      this.pump.write(connection);
      return;
    }
    const run = round.runFrom(subscription.next);
    if (run === undefined) {
      this.#options.onOvertaken(subscription);
      return;
    }
    subscription.next = run.next;
    this.#options.counters.writes++;
    this.#options.counters.written += run.events;
    this.#options.counters.durable.written += run.durable;
    this.#writeRest(connection, run.bytes(connection.form));
  }

  /** The writer reports when the socket can take more. */
  #writeRest(connection: Connection, bytes: Uint8Array): void {
    const accepted = connection.writer?.write(bytes);
    if (typeof accepted === "object") this.pump.pend(connection, accepted);
  }
}
