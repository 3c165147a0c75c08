/**
 * The hub: topic → channel → connections, and the clock of the broadcast.
 *
 * Life of an event here: `dispatch` gives it to its channel, where it waits; the channel is due at once
 * when it was idle, or when it has rested for a share of the time that its last round took; a tick makes
 * one batch of everything that is due (encoded once) and begins a round over the connections. What arrives
 * during a round goes to those who come later in it, and to the others in the next. Whoever cannot take
 * bytes is passed by and catches up from the ring when it drains.
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
import { type Connection, hasOutstanding, type Subscription } from "../connections/connection.ts";
import type { Counters } from "../counters.ts";
import {
  BATCH_REST_SHARE,
  BATCH_WAIT_MAX_MS,
  BROADCAST_CLOCK_EVERY,
  BROADCAST_SLICE_MS,
  PUMP_BYTES_MAX,
} from "../limits.ts";
import { Watermark } from "../recovery/watermark.ts";
import type { Batch } from "./batch.ts";
import { joinBytes } from "./batch-run.ts";
import { Channel } from "./channel.ts";
import { Round } from "./round.ts";
import { ChannelKinds } from "./topic-buffer.ts";

export interface HubOptions {
  readonly frontend: FrontendId;
  readonly policy: Policy;
  readonly clock: Clock;
  /** See `FrontendOptions.steady`. */
  readonly steady: Clock;
  readonly counters: Counters;
  /** Writes to descriptors; without it, every connection is written to by its own writer. */
  readonly sender?: DirectSender | undefined;
  /** Runs something after what is under way: one turn of the event loop later. */
  soon(run: () => void): void;
  /** ms since some moment, with fractions: what rests and waits are measured with, so that a clock that is set stops nothing. */
  elapsed(): number;
  /** Numbers up to `seq` are not here: they did not arrive, or there was no room for them. */
  onMissing(channel: Channel, seq: number): void;
  /** The log may be another one than before. */
  onOtherEpoch(channel: Channel): void;
  /** An event of a topic that nobody here has: the table has a row too many. */
  onUnwanted(event: Event): void;
  /** A connection fell behind its topic's ring. */
  onOvertaken(subscription: Subscription): void;
}

export class Hub {
  readonly channels = new Map<Topic, Channel>();
  /** Those of them whose viewers are counted: a look at all topics would be a look at a million personal ones. */
  readonly counted = new Set<Channel>();
  /** Counts batches over all channels. */
  order = 0;
  /** Up to which commit everything was broadcast: see protocol/position.ts. */
  readonly watermark = new Watermark();

  readonly #options: HubOptions;
  readonly #kinds: ChannelKinds;
  #due: Channel[] = [];
  #ticking = false;
  /** Broadcasts under way, those of this tick that wait for their turn included: but of those to a single subscriber, the present one. */
  #walks = 0;
  /** Broadcasts to single subscribers in this tick: each begins and ends in it, and is counted in `Connection.due`. */
  #singles = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#kinds = new ChannelKinds(options.counters.pending);
  }

  channel(topic: Topic): Channel | undefined {
    return this.channels.get(topic);
  }

  /** The topic's channel, made where there is none; throws for a kind without a policy. */
  open(topic: Topic): Channel {
    const known = this.channels.get(topic);
    if (known !== undefined) return known;
    const kind = policyOf(this.#options.policy, topic);
    if (kind === undefined) throw new Error(`no policy for ${topic}`);
    const channel = new Channel(topic, this.#kinds.of(kind));
    this.channels.set(topic, channel);
    if (kind.viewers) this.counted.add(channel);
    return channel;
  }

  forget(channel: Channel): void {
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

  /** A live event of the frontend's own, which may wait so long for another one to be written with. */
  say(channel: Channel, event: Event, patienceMs: number): void {
    channel.takeLive(event, this.#options.elapsed(), patienceMs);
    this.schedule(channel);
  }

  /** Sees to it that what waits in the channel is broadcast when it is due. */
  schedule(channel: Channel): void {
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
      // Something else may have become due before: then that tick has seen to this one.
      if (buffer.scheduledFor === dueAt) this.#tickSoon(channel);
    });
  }

  #tickSoon(channel: Channel): void {
    this.#due.push(channel);
    if (this.#ticking) return;
    this.#ticking = true;
    this.#options.soon(() => this.#tick());
  }

  /** First every batch, then the rounds: a connection with several of the topics gets one write. */
  #tick(): void {
    this.#ticking = false;
    const due = this.#due;
    this.#due = [];
    const begun: { readonly round: Round; readonly single: Subscription | undefined }[] = [];
    for (const channel of due) {
      const { buffer } = channel;
      if (buffer === undefined) continue;
      buffer.scheduledFor = Number.POSITIVE_INFINITY;
      // A round that is under way takes what waits by itself, or leaves it for the next one.
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

  #makeBatch(channel: Channel): Batch | undefined {
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
   * Whether another topic may have something for the connection that it has to get in the same write, or before. Hot
   * path: a thousand personal topics that fall due together are a thousand connections, and to look at all topics of
   * each was 1.7 of 4.7 µs for an event (`channel.bench.ts`).
   */
  #mayHaveMore({ several, connection }: Subscription, own: number): boolean {
    return several && (this.#walks > 1 || (this.#singles > own && connection.due > own));
  }

  /**
   * Hot path: one turn per connection, one system call. Where the connection needs no look (its own topic
   * alone, nothing pending, a plain socket) the subscription is the one object touched: a look at the
   * connection, its writer and its socket costs more in cache misses than all the rest. No allocation, no
   * look at the clock but every BROADCAST_CLOCK_EVERY connections; the same bytes for all (`load/`: write-cost).
   */
  #walk(round: Round): void {
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
    if (index < subscriptions.length) this.#options.soon(() => this.#goOn(round));
    else this.#endRound(round);
  }

  /** The next slice of a round: what has come meanwhile is for those who come now. */
  #goOn(round: Round): void {
    if (round.canTakeMore && round.channel.buffer?.hasDue(this.#options.elapsed()) === true) {
      const batch = this.#makeBatch(round.channel);
      if (batch !== undefined) round.take(batch);
    }
    this.#walk(round);
  }

  #endRound({ channel, behind, startedAt }: Round): void {
    const { elapsed } = this.#options;
    const took = elapsed() - startedAt;
    const restUntil =
      took < 1 ? 0 : elapsed() + Math.min(took * BATCH_REST_SHARE, BATCH_WAIT_MAX_MS);
    channel.buffer?.endRound(behind, restUntil);
    if (!behind) this.#walks--;
    channel.compact();
    this.schedule(channel);
  }

  /** The same for a connection that has to be looked at. */
  #writeTo(subscription: Subscription, round: Round, mayHaveMore: boolean): void {
    const { connection } = subscription;
    if (!connection.ready || connection.writer === undefined) return;
    if (mayHaveMore && hasOutstanding(connection, subscription)) {
      this.pump(connection);
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

  /** By the connection's own writer, which knows when the socket can take more. */
  #writeRest(connection: Connection, bytes: Uint8Array): void {
    const accepted = connection.writer?.write(bytes);
    if (typeof accepted === "object") this.pend(connection, accepted);
  }

  /** Writes what the connection has not had yet, of all its topics, in the order of the broadcasts, as one. */
  pump(connection: Connection): void {
    if (!connection.ready) return;
    const outstanding: { subscription: Subscription; batch: Batch }[] = [];
    for (const subscription of connection.subscriptions) {
      const { channel } = subscription;
      for (let number = subscription.next; number < channel.nextBatch; number++) {
        const batch = channel.buffer?.batch(number);
        if (batch === undefined) {
          this.#options.onOvertaken(subscription);
          return;
        }
        outstanding.push({ subscription, batch });
      }
    }
    if (outstanding.length === 0 || connection.writer === undefined) return;
    outstanding.sort((left, right) => left.batch.order - right.batch.order);
    for (let at = 0; at < outstanding.length && connection.pendingSince === 0; ) {
      const bytes: Uint8Array[] = [];
      let length = 0;
      for (; at < outstanding.length && length < PUMP_BYTES_MAX; at++) {
        const { subscription, batch } = outstanding[at] as (typeof outstanding)[number];
        subscription.next = batch.number + 1;
        this.#options.counters.written += batch.events;
        this.#options.counters.durable.written += batch.durable;
        const part = batch.encoded.bytes(connection.form);
        bytes.push(part);
        length += part.length;
      }
      connection.wrote = true;
      this.#options.counters.writes++;
      const accepted = connection.writer.write(joinBytes(bytes));
      if (typeof accepted !== "number") this.pend(connection, accepted);
    }
  }

  /** The connection does not keep up: nothing more until `drained` settles. */
  pend(connection: Connection, drained: Promise<unknown>): void {
    if (connection.pendingSince !== 0) return;
    connection.pendingSince = this.#options.steady.now();
    connection.update();
    this.#options.counters.slow++;
    this.noteLags(connection, this.#options.clock.now());
    const resume = () => {
      // A closed one was counted out when it closed; its pending write settles after that.
      if (connection.closed) return;
      connection.pendingSince = 0;
      connection.update();
      this.#options.counters.slow--;
      this.pump(connection);
      if (connection.pendingSince === 0) connection.lags = undefined;
    };
    drained.then(resume, resume);
  }

  /** Remembers where each topic of the connection stands, for the case that its ring runs ahead. */
  noteLags(connection: Connection, now: number): void {
    connection.lags ??= new Map();
    for (const subscription of connection.subscriptions) {
      const { channel } = subscription;
      const behind = channel.buffer?.batch(subscription.next);
      connection.lags.set(subscription, {
        position: behind?.before ?? channel.batched,
        liveEvents: behind?.liveBefore ?? channel.buffer?.liveEvents ?? 0,
        order: behind?.order ?? this.order + 1,
        at: now,
        sums: new Map(channel.buffer?.sums),
      });
    }
  }
}
