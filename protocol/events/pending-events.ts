/**
 * Pending events wait for a link, for a peer data centre, or for the next batch of a topic.
 *
 * - Order is kept. Events of a merging type become one, at the place of the first.
 * - Each lane has its own bound, in events and bytes. Over it the oldest plain live events are
 *   dropped first, merged ones only when no plain one is left; of the durable ones the oldest are
 *   dropped, and the repair lane pulls them from the log.
 * - Every drop is counted. Dropped live events are announced: `take` returns a `gap` event per
 *   topic, before the rest of its events, with the number lost and their time range.
 * - A `gap` that arrives from an earlier hop adds up with the losses here.
 */

import type { TypePolicy } from "../policy.ts";
import type { Topic } from "../topic.ts";
import { EVENT_BYTES_MAX, type Event, isDurable, sizeOf } from "./event.ts";
import { addGaps, formatGap, GAP_TYPE, type Gap, type GapReason, parseGap } from "./gap.ts";
import { type MergeRules, mergeEvents, mergeKeyOf } from "./merge.ts";
import type { PendingCounts } from "./pending-counts.ts";

export interface LaneBounds {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

export interface PendingBounds {
  readonly live: LaneBounds;
  readonly durable: LaneBounds;
  /** Topics whose losses are kept to be announced; losses of further topics are only counted. */
  readonly lossTopicsMax: number;
}

export interface PendingOptions {
  readonly rules: MergeRules;
  readonly bounds: PendingBounds;
  readonly counts: PendingCounts;
  /** Whether merged events are held back to the rate of their type (`everyMs`): at the last hop. */
  readonly paced?: boolean;
}

interface Entry {
  /** `undefined` once dropped. */
  event: Event | undefined;
  bytes: number;
  /** When it began to wait. */
  readonly since: number;
  readonly mergeName: string | undefined;
  /** From when it may be taken together with others … */
  readonly from: number;
  /** … and from when it makes a batch due by itself. */
  readonly dueAt: number;
}

interface Loss {
  gap: Gap;
  readonly since: number;
}

/** Holes are not worth closing in a list shorter than this. */
const COMPACT_FROM = 1024;

export class PendingEvents {
  readonly #options: PendingOptions;
  /** Live from `#head` on; earlier ones were taken. */
  #entries: Entry[] = [];
  #head = 0;
  /** No plain live event, and no durable one, waits before these indexes. */
  #liveHead = 0;
  #durableHead = 0;
  #live = 0;
  #liveBytes = 0;
  #durable = 0;
  #durableBytes = 0;
  #merging: Map<string, Entry> | undefined;
  /** No merged event is due before this. */
  #mergingDueAt = Number.POSITIVE_INFINITY;
  #writtenAt: Map<string, number> | undefined;
  #losses: Map<Topic, Loss> | undefined;

  constructor(options: PendingOptions) {
    this.#options = options;
  }

  /** Pending events, including the `gap` events to announce. */
  get size(): number {
    return this.#live + this.#durable + (this.#losses?.size ?? 0);
  }

  /** Without the `gap` events. */
  get events(): number {
    return this.#live + this.#durable;
  }

  get bytes(): number {
    return this.#liveBytes + this.#durableBytes;
  }

  /** One more durable event of the largest size might drop the oldest pending one. */
  get isDurableFull(): boolean {
    const { eventsMax, bytesMax } = this.#options.bounds.durable;
    return (
      this.#durable > 0 &&
      (this.#durable >= eventsMax || this.#durableBytes + EVENT_BYTES_MAX > bytesMax)
    );
  }

  /** Something other than merged events is pending. */
  get hasUnmerged(): boolean {
    return this.size > (this.#merging?.size ?? 0);
  }

  /** Nothing is pending, and no rate or loss is kept. */
  get isBlank(): boolean {
    return this.size === 0 && this.#writtenAt === undefined;
  }

  /** Since when the oldest event has waited. */
  get oldest(): number | undefined {
    while (this.#head < this.#entries.length && this.#entries[this.#head]?.event === undefined)
      this.#head++;
    const entry = this.#entries[this.#head];
    if (entry !== undefined || this.#losses === undefined) return entry?.since;
    for (const { since } of this.#losses.values()) return since;
    return undefined;
  }

  /** When the next batch is due; `undefined` where nothing is pending. */
  get dueAt(): number | undefined {
    if (this.hasUnmerged) return 0;
    return this.#merging === undefined ? undefined : this.#mergingDueAt;
  }

  /** `now`: when it begins to wait. `patienceMs`: how long a merged one may wait for others. */
  push(event: Event, now: number, patienceMs = 0): void {
    if (event.type === GAP_TYPE && !isDurable(event) && this.#addGap(event, now)) return;
    const type = this.#options.rules(event);
    const key = type === undefined ? undefined : mergeKeyOf(event, type);
    if (type === undefined || key === undefined) {
      this.#entries.push({
        event,
        bytes: this.#added(event),
        since: now,
        mergeName: undefined,
        from: 0,
        dueAt: 0,
      });
    } else {
      this.#pushMerging(event, type, `${event.topic} ${key}`, now, patienceMs);
    }
    this.#dropOverflow(now);
    if (this.#entries.length >= COMPACT_FROM) this.#compact();
  }

  #pushMerging(
    event: Event,
    type: TypePolicy,
    mergeName: string,
    now: number,
    patienceMs: number,
  ): void {
    const earlier = this.#merging?.get(mergeName);
    if (earlier?.event !== undefined) {
      earlier.event = mergeEvents(earlier.event, event, type);
      const grown = sizeOf(earlier.event);
      this.#liveBytes += grown - earlier.bytes;
      earlier.bytes = grown;
      this.#options.counts.merged++;
      return;
    }
    const writtenAt = type.everyMs === undefined ? undefined : this.#writtenAt?.get(mergeName);
    const from = writtenAt === undefined ? now : Math.max(now, writtenAt + (type.everyMs ?? 0));
    const entry = {
      event,
      bytes: this.#added(event),
      since: now,
      mergeName,
      from,
      dueAt: from + patienceMs,
    };
    this.#entries.push(entry);
    this.#merging ??= new Map();
    this.#merging.set(mergeName, entry);
    this.#mergingDueAt = Math.min(this.#mergingDueAt, entry.dueAt);
  }

  #added(event: Event): number {
    const bytes = sizeOf(event);
    if (event.place === undefined) {
      this.#live++;
      this.#liveBytes += bytes;
    } else {
      this.#durable++;
      this.#durableBytes += bytes;
    }
    return bytes;
  }

  /**
   * The events due at `now`, oldest first, up to these bounds (at least one, where one is due).
   * `gap` events come first: the lost events were older than the remaining ones.
   */
  take(
    eventsMax = Number.POSITIVE_INFINITY,
    bytesMax = Number.POSITIVE_INFINITY,
    now = Number.POSITIVE_INFINITY,
  ): Event[] {
    if ((this.dueAt ?? Number.POSITIVE_INFINITY) > now) return [];
    const taken = this.#takeGaps(eventsMax);
    // At the last hop merged events follow the others: they may have been held back anyway.
    const merged = this.#options.paced === true && this.#merging !== undefined ? [] : taken;
    let kept: Entry[] | undefined;
    let bytes = 0;
    let index = this.#head;
    for (; index < this.#entries.length && taken.length < eventsMax; index++) {
      const entry = this.#entries[index];
      if (entry?.event === undefined) continue;
      if (entry.from > now) {
        kept ??= [];
        kept.push(entry);
        continue;
      }
      if (taken.length > 0 && bytes + entry.bytes > bytesMax) break;
      (entry.mergeName === undefined ? taken : merged).push(entry.event);
      bytes += entry.bytes;
      this.#noteWritten(entry, now);
      this.#remove(entry);
    }
    this.#mergingDueAt = Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.#merging?.values() ?? [])
      this.#mergingDueAt = Math.min(this.#mergingDueAt, dueAt);
    if (kept !== undefined) this.#reset([...kept, ...this.#entries.slice(index)]);
    else if (index === this.#entries.length) this.#reset([]);
    else this.#head = index;
    if (this.#entries.length >= COMPACT_FROM) this.#compact();
    if (merged !== taken) for (const event of merged) taken.push(event);
    return taken;
  }

  #takeGaps(eventsMax: number): Event[] {
    const gaps: Event[] = [];
    if (this.#losses === undefined) return gaps;
    for (const [topic, loss] of this.#losses) {
      if (gaps.length >= eventsMax) return gaps;
      gaps.push(formatGap(topic, loss.gap));
      this.#losses.delete(topic);
    }
    this.#losses = undefined;
    return gaps;
  }

  #noteWritten({ event, mergeName }: Entry, now: number): void {
    if (mergeName === undefined || event === undefined || this.#options.paced !== true) return;
    if (this.#options.rules(event)?.everyMs === undefined) return;
    this.#writtenAt ??= new Map();
    this.#writtenAt.delete(mergeName);
    this.#writtenAt.set(mergeName, now);
    if (this.#writtenAt.size <= this.#options.bounds.live.eventsMax) return;
    // The key written longest ago: its next event is not held back.
    for (const oldest of this.#writtenAt.keys()) {
      this.#writtenAt.delete(oldest);
      return;
    }
  }

  /** Drops live events older than `liveBefore`, durable ones older than `durableBefore`. */
  expire(liveBefore: number, durableBefore: number, now: number): void {
    const { counts } = this.#options;
    const before = Math.max(liveBefore, durableBefore);
    for (let index = this.#head; index < this.#entries.length; index++) {
      const entry = this.#entries[index];
      if (entry === undefined || entry.since >= before) break;
      const { event } = entry;
      if (event === undefined) continue;
      if (entry.since >= (isDurable(event) ? durableBefore : liveBefore)) continue;
      counts.expired++;
      if (isDurable(event)) counts.durable.expired++;
      else this.addLoss(event, "away", now);
      this.#remove(entry);
    }
    if (this.#entries.length >= COMPACT_FROM) this.#compact();
  }

  /** Drops the oldest events, live ones first, until so many bytes are left. */
  shed(bytesMax: number, now: number): void {
    while (this.bytes > bytesMax && this.#live > 0) this.#dropLive(now);
    while (this.bytes > bytesMax && this.#durable > 0) this.#dropDurable();
    if (this.#entries.length >= COMPACT_FROM) this.#compact();
  }

  /** A live event of this topic was lost: announced with the next event that is taken. */
  addLoss(event: Event, reason: GapReason, now: number): void {
    this.#add(event.topic, { lost: 1, from: event.at, to: event.at, reason }, now);
  }

  #addGap(event: Event, now: number): boolean {
    const gap = parseGap(event.data);
    if (gap === undefined) return false;
    this.#add(event.topic, gap, now);
    return true;
  }

  #add(topic: Topic, gap: Gap, now: number): void {
    this.#losses ??= new Map();
    const earlier = this.#losses.get(topic);
    if (earlier !== undefined) earlier.gap = addGaps(earlier.gap, gap);
    else if (this.#losses.size < this.#options.bounds.lossTopicsMax)
      this.#losses.set(topic, { gap, since: now });
  }

  #dropOverflow(now: number): void {
    const { live, durable } = this.#options.bounds;
    while (this.#live > 1 && (this.#live > live.eventsMax || this.#liveBytes > live.bytesMax))
      this.#dropLive(now);
    while (
      this.#durable > 1 &&
      (this.#durable > durable.eventsMax || this.#durableBytes > durable.bytesMax)
    )
      this.#dropDurable();
  }

  #dropLive(now: number): void {
    const entry = this.#oldestPlain() ?? this.#oldestMerging();
    if (entry?.event === undefined) return;
    this.#options.counts.droppedFull++;
    this.addLoss(entry.event, "busy", now);
    this.#remove(entry);
  }

  #oldestPlain(): Entry | undefined {
    if (this.#live === (this.#merging?.size ?? 0)) return undefined;
    this.#liveHead = Math.max(this.#liveHead, this.#head);
    for (; this.#liveHead < this.#entries.length; this.#liveHead++) {
      const entry = this.#entries[this.#liveHead];
      if (entry?.event !== undefined && !isDurable(entry.event) && entry.mergeName === undefined)
        return entry;
    }
    return undefined;
  }

  #oldestMerging(): Entry | undefined {
    for (const entry of this.#merging?.values() ?? []) return entry;
    return undefined;
  }

  #dropDurable(): void {
    this.#durableHead = Math.max(this.#durableHead, this.#head);
    for (; this.#durableHead < this.#entries.length; this.#durableHead++) {
      const entry = this.#entries[this.#durableHead];
      if (entry?.event === undefined || !isDurable(entry.event)) continue;
      this.#options.counts.droppedFull++;
      this.#options.counts.durable.droppedFull++;
      this.#remove(entry);
      return;
    }
  }

  #remove(entry: Entry): void {
    if (entry.event === undefined) return;
    if (isDurable(entry.event)) {
      this.#durable--;
      this.#durableBytes -= entry.bytes;
    } else {
      this.#live--;
      this.#liveBytes -= entry.bytes;
    }
    entry.event = undefined;
    if (entry.mergeName === undefined) return;
    this.#merging?.delete(entry.mergeName);
    if (this.#merging?.size === 0) this.#merging = undefined;
  }

  /** Closes all holes: else one durable event keeps the slots of all dropped live ones. */
  #compact(): void {
    if (this.#entries.length < 2 * (this.#live + this.#durable)) return;
    this.#reset(this.#entries.slice(this.#head).filter(({ event }) => event !== undefined));
  }

  #reset(entries: Entry[]): void {
    this.#entries = entries;
    this.#head = 0;
    this.#liveHead = 0;
    this.#durableHead = 0;
  }
}
