/**
 * The log in memory, for the simulation and for unit tests of what stands on a log. Every `append`
 * is a commit group of its own; nothing outlives the process.
 */

import {
  type Clock,
  DEFAULT_POLICY,
  type DurableEvent,
  type Epoch,
  type Moment,
  type Policy,
  type Stamp,
  systemClock,
  type Topic,
} from "@ovation/protocol";
import { emptyTally, tallyRange } from "./archive/tally.ts";
import { mintEpoch } from "./epoch.ts";
import { assertEntry } from "./group-commit.ts";
import { TRIM_TOPIC_EVENTS_MAX } from "./limits.ts";
import {
  type Appended,
  type Changes,
  type Head,
  KEY_AGE_MS,
  type Log,
  type LogEntry,
  type LogKeeper,
  type LogPage,
  LogUnavailableError,
  type ReadQuery,
  type StampedHead,
  type Tally,
  type TallyQuery,
} from "./log.ts";
import { excessOf, TrimRound } from "./retention.ts";

export interface MemoryLogOptions {
  readonly clock?: Clock;
  readonly policy?: Policy;
  /** The name of its one epoch. */
  readonly epoch?: Epoch;
  /** What a backup held: events of earlier lives, each topic's ascending and without a hole. */
  readonly restored?: readonly DurableEvent[];
}

interface TopicEvents {
  readonly topic: Topic;
  /** Ascending and contiguous; the first one's number is `first`. */
  readonly events: DurableEvent[];
  readonly keys: Map<string, Appended>;
  /** Events that retention dropped, by type. */
  readonly dropped: Map<string, number>;
  seq: number;
  /** The epoch that wrote `seq`. */
  epoch: Epoch;
  first: number;
  stamp: Stamp;
}

export class MemoryLog implements Log, LogKeeper {
  readonly #clock: Clock;
  readonly #policy: Policy;
  readonly #epoch: Epoch;
  /** The epochs of the backup that it began with, and the newest stamp of each. */
  readonly #earlier = new Map<Epoch, Stamp>();
  /** The epoch of the newest event. */
  #newest: Epoch = "";
  readonly #topics = new Map<Topic, TopicEvents>();
  readonly #trimRound = new TrimRound();
  #stamp: Stamp = 0;
  #closed = false;

  constructor(options: MemoryLogOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#policy = options.policy ?? DEFAULT_POLICY;
    for (const event of options.restored ?? []) this.#restore(event);
    this.#epoch = options.epoch ?? mintEpoch((epoch) => this.#earlier.has(epoch));
  }

  async append(entries: readonly LogEntry[]): Promise<readonly Appended[]> {
    this.#assertOpen();
    for (const entry of entries) assertEntry(entry);
    if (entries.length === 0) return [];
    const stamp = Math.max(this.#clock.now(), this.#stamp + 1);
    const appended = entries.map((entry) => this.#appendOne(entry, stamp));
    if (appended.some((one) => !one.duplicate)) {
      this.#stamp = stamp;
      this.#newest = this.#epoch;
    }
    return appended;
  }

  async read(topic: Topic, query: ReadQuery): Promise<LogPage> {
    this.#assertOpen();
    const kept = this.#topics.get(topic);
    if (kept === undefined) return { events: [], head: this.#headOf(topic) };
    const types = query.types === undefined ? undefined : new Set(query.types);
    const above = query.after ?? 0;
    const below = query.before ?? Number.MAX_SAFE_INTEGER;
    const matching = kept.events.filter(
      (event) =>
        event.place.seq > above &&
        event.place.seq < below &&
        (types === undefined || types.has(event.type)),
    );
    const from = query.after === undefined ? Math.max(0, matching.length - query.limit) : 0;
    return { events: matching.slice(from, from + query.limit), head: this.#headOf(topic) };
  }

  async heads(topics: readonly Topic[]): Promise<readonly StampedHead[]> {
    this.#assertOpen();
    return topics.map((topic) => ({
      ...this.#headOf(topic),
      stamp: this.#topics.get(topic)?.stamp ?? 0,
    }));
  }

  async headAt(topic: Topic, stamp: Stamp): Promise<Head> {
    this.#assertOpen();
    const head = this.#headOf(topic);
    if ((this.#topics.get(topic)?.stamp ?? 0) <= stamp) return head;
    const event = this.#topics.get(topic)?.events.findLast((one) => one.place.stamp <= stamp);
    return { ...head, seq: event?.place.seq ?? 0, epoch: event?.place.epoch ?? "" };
  }

  async changes(since: Stamp, limit: number): Promise<Changes> {
    this.#assertOpen();
    const epoch = this.#newest;
    if (since < 0 || since > this.#stamp)
      return { heads: [], stamp: this.#stamp, epoch, more: false };
    const changed = [...this.#topics.values()]
      .filter((kept) => kept.stamp > since)
      .sort((a, b) => a.stamp - b.stamp);
    const last = changed[limit - 1];
    // The topics of one commit share a stamp and are not torn apart.
    const stamp = last?.stamp ?? this.#stamp;
    const heads = changed
      .filter((kept) => kept.stamp <= stamp)
      .map((kept) => this.#headOf(kept.topic));
    return { heads, stamp, epoch, more: heads.length < changed.length };
  }

  async tally(topic: Topic, query: TallyQuery): Promise<Tally> {
    this.#assertOpen();
    const kept = this.#topics.get(topic);
    if (kept === undefined) return emptyTally(query);
    const { from, upTo, isWhole } = tallyRange(kept, query.after);
    const events = kept.events.slice(from + 1 - kept.first, upTo + 1 - kept.first);
    const counts = query.types.map(
      (type) =>
        events.filter((event) => event.type === type).length +
        (isWhole ? (kept.dropped.get(type) ?? 0) : 0),
    );
    return { counts, upTo, more: upTo < kept.seq, isWhole };
  }

  async wrote(topic: Topic, seq: number, epoch: Epoch): Promise<"yes" | "no" | "unknown"> {
    this.#assertOpen();
    if (seq === 0) return epoch === "" ? "yes" : "no";
    const head = this.#headOf(topic);
    const isKnown = epoch === this.#epoch || this.#earlier.has(epoch);
    if (!isKnown || seq > head.seq || seq < 0) return "no";
    if (seq < head.first) return "unknown";
    return this.#topics.get(topic)?.events[seq - head.first]?.place.epoch === epoch ? "yes" : "no";
  }

  async reached({ epoch, stamp }: Moment): Promise<boolean> {
    this.#assertOpen();
    if (epoch === "" || epoch === this.#newest) return stamp <= this.#stamp;
    return stamp <= (this.#earlier.get(epoch) ?? Number.NEGATIVE_INFINITY);
  }

  async trim(limit: number): Promise<number> {
    this.#assertOpen();
    const now = this.#clock.now();
    for (const kept of this.#topics.values())
      for (const [key, first] of kept.keys)
        if (first.place.stamp < now - KEY_AGE_MS) kept.keys.delete(key);
    const topics = [...this.#topics.values()];
    return this.#trimRound.run(limit, async ({ cursor, last, limit: most }) => {
      let dropped = 0;
      for (let id = cursor; id < Math.min(last, topics.length); id++) {
        const kept = topics[id];
        if (kept === undefined) break;
        dropped += this.#trimTopic(kept, now, Math.min(most - dropped, TRIM_TOPIC_EVENTS_MAX));
        if (dropped >= most) return { dropped, cursor: id + 1 };
      }
      return { dropped };
    });
  }

  async probe(): Promise<void> {
    this.#assertOpen();
  }

  /** One process has it. */
  async claimUpkeep(): Promise<boolean> {
    return true;
  }

  #trimTopic(kept: TopicEvents, now: number, limit: number): number {
    const excess = excessOf(this.#policy, kept.topic, now);
    if (excess === undefined) return 0;
    const young = kept.events.findIndex((event) => event.place.stamp >= excess.stampMin);
    const aged = young === -1 ? kept.events.length : young;
    const beyond = kept.events.length - excess.eventsMax;
    const count = Math.min(Math.max(aged, beyond), limit);
    for (const { type } of kept.events.splice(0, Math.max(0, count)))
      kept.dropped.set(type, (kept.dropped.get(type) ?? 0) + 1);
    kept.first += count;
    return count;
  }

  async clear(topic: Topic, below: number): Promise<number> {
    this.#assertOpen();
    const kept = this.#topics.get(topic);
    if (kept === undefined) return 0;
    const count = Math.max(0, Math.min(below, kept.seq + 1) - kept.first);
    kept.events.splice(0, count);
    kept.first += count;
    kept.dropped.clear();
    return count;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #appendOne(entry: LogEntry, stamp: Stamp): Appended {
    const kept = this.#topicOf(entry.topic);
    const first = entry.key === undefined ? undefined : kept.keys.get(entry.key);
    if (first !== undefined) {
      const event = kept.events[first.place.seq - kept.first];
      return {
        ...first,
        duplicate: true,
        ...(event === undefined ? {} : { stored: { type: event.type, data: event.data } }),
      };
    }
    const place = { seq: kept.seq + 1, epoch: this.#epoch, stamp };
    const { topic, type, at, data, replace } = entry;
    kept.events.push({ topic, type, at, data, place });
    kept.seq = place.seq;
    kept.epoch = this.#epoch;
    kept.stamp = stamp;
    const replaced =
      replace === undefined || replace.seq >= place.seq
        ? undefined
        : kept.events[replace.seq - kept.first];
    if (replace !== undefined && replaced !== undefined)
      kept.events[replace.seq - kept.first] = { ...replaced, data: replace.data };
    const appended = { place, at, duplicate: false };
    if (entry.key !== undefined) kept.keys.set(entry.key, appended);
    return appended;
  }

  #topicOf(topic: Topic): TopicEvents {
    let kept = this.#topics.get(topic);
    if (kept === undefined) {
      kept = {
        topic,
        events: [],
        keys: new Map(),
        dropped: new Map(),
        seq: 0,
        epoch: "",
        first: 1,
        stamp: 0,
      };
      this.#topics.set(topic, kept);
    }
    return kept;
  }

  #headOf(topic: Topic): Head {
    const kept = this.#topics.get(topic);
    if (kept === undefined) return { topic, seq: 0, epoch: "", first: 1 };
    return { topic, seq: kept.seq, epoch: kept.epoch, first: kept.first };
  }

  #restore(event: DurableEvent): void {
    const { seq, epoch, stamp } = event.place;
    const kept = this.#topicOf(event.topic);
    if (kept.events.length === 0) kept.first = seq;
    else if (seq !== kept.seq + 1)
      throw new Error(`the backup of ${event.topic} has ${seq} after ${kept.seq}`);
    kept.events.push(event);
    kept.seq = seq;
    kept.epoch = epoch;
    kept.stamp = stamp;
    this.#earlier.set(epoch, Math.max(this.#earlier.get(epoch) ?? 0, stamp));
    if (stamp >= this.#stamp) this.#newest = epoch;
    this.#stamp = Math.max(this.#stamp, stamp);
  }

  #assertOpen(): void {
    if (this.#closed) throw new LogUnavailableError("the log is closed");
  }
}
