/**
 * What every connection has received: finds loss, duplicates and disorder, exactly.
 *
 * Each slot (connection × stream) keeps the highest number seen. A jump makes the numbers in
 * between *missing*; one of them that comes later was *out of order*; a number at or below the
 * highest that is not missing is a *duplicate*.
 *
 * A connection that was cut and reconnected:
 * - events that it had before the cut may come again (`repeated`): the contract allows it on the
 *   wire, the SDK removes them by number
 * - on the live lane events published in between are `away`, no fault; on the durable lane they
 *   must come, so they are missing
 */
import type { Batch, Run } from "../batch.ts";
import { MISSING_RANGES_MAX } from "../limits.ts";
import { type Plan, slotOf, slotsPerConnection, streamOfSlot } from "../plan.ts";

export interface LedgerCounts {
  /** Events received, correct or not. */
  deliveries: number;
  duplicates: number;
  disordered: number;
  /** For a topic that the connection has not subscribed to. */
  misdelivered: number;
  /** Repeated after a return: allowed. */
  repeated: number;
  /** Live events published while a connection was cut: not promised. */
  away: number;
  /**
   * Numbers that never came, less those that `gap` events announced, per connection. Filled in by
   * `finish`.
   */
  lost: number;
  /** Numbers that never came and that a `gap` announced. Filled in by `finish`. */
  announced: number;
  gaps: number;
  others: number;
}

interface Range {
  first: number;
  last: number;
}

export class Ledger {
  readonly counts: LedgerCounts = {
    deliveries: 0,
    duplicates: 0,
    disordered: 0,
    misdelivered: 0,
    repeated: 0,
    away: 0,
    lost: 0,
    announced: 0,
    gaps: 0,
    others: 0,
  };
  readonly #plan: Plan;
  readonly #firstConnection: number;
  readonly #durable: boolean;
  readonly #slots: number;
  readonly #last: Int32Array;
  /**
   * The highest number when the connection was last cut; -1: nothing seen since, so the next number
   * starts a new sequence.
   */
  #resumed: Int32Array | undefined;
  #fresh: Uint8Array | undefined;
  readonly #missing = new Map<number, Range[]>();
  #ranges = 0;
  /** Per connection: numbers missing now, and announced by `gap`. */
  readonly #missingOf: Int32Array;
  readonly #announcedOf: Int32Array;

  constructor(plan: Plan, firstConnection: number, connections: number, durable: boolean) {
    this.#plan = plan;
    this.#firstConnection = firstConnection;
    this.#durable = durable;
    this.#slots = slotsPerConnection(plan);
    this.#last = new Int32Array(connections * this.#slots);
    this.#missingOf = new Int32Array(connections);
    this.#announcedOf = new Int32Array(connections);
  }

  /** `connection` counts from 0 within this process. */
  apply(connection: number, batch: Batch): void {
    const counts = this.counts;
    counts.deliveries += batch.events;
    counts.others += batch.others;
    if (batch.gaps > 0) {
      counts.gaps += batch.gaps;
      this.#announcedOf[connection] = (this.#announcedOf[connection] ?? 0) + batch.announced;
    }
    const base = connection * this.#slots;
    for (const run of batch.runs) {
      const slot = slotOf(this.#plan, this.#firstConnection + connection, run.stream);
      if (slot < 0) {
        counts.misdelivered += run.last - run.first + 1;
        continue;
      }
      const at = base + slot;
      // Hot path: one comparison for each stream in the chunk, not one for each event.
      if (run.first === (this.#last[at] ?? 0) + 1) {
        this.#last[at] = run.last;
        if (this.#fresh !== undefined) this.#fresh[at] = 0;
      } else {
        this.#irregular(connection, at, run);
      }
    }
  }

  /** The connection was lost; later events follow a return. */
  cut(connection: number): void {
    this.#resumed ??= new Int32Array(this.#last.length);
    this.#fresh ??= new Uint8Array(this.#last.length);
    for (let slot = connection * this.#slots; slot < (connection + 1) * this.#slots; slot++) {
      this.#resumed[slot] = this.#last[slot] ?? 0;
      this.#fresh[slot] = 1;
    }
  }

  /**
   * How many slots of these connections lack the last event of their stream. `finals`: the last
   * number per stream.
   */
  behind(finals: ArrayLike<number>, isPresent: (connection: number) => boolean): number {
    let behind = 0;
    for (let connection = 0; connection < this.#missingOf.length; connection++) {
      if (!isPresent(connection)) continue;
      for (let slot = 0; slot < this.#slots; slot++) {
        if (
          this.#finalOf(finals, connection, slot) >
          (this.#last[connection * this.#slots + slot] ?? 0)
        )
          behind++;
      }
    }
    return behind;
  }

  /** Closes the account: missing events are lost, unless a `gap` announced them. */
  finish(finals: ArrayLike<number>, isPresent: (connection: number) => boolean): LedgerCounts {
    for (let connection = 0; connection < this.#missingOf.length; connection++) {
      let missing = this.#missingOf[connection] ?? 0;
      for (let slot = 0; slot < this.#slots; slot++) {
        const tail = Math.max(
          0,
          this.#finalOf(finals, connection, slot) -
            (this.#last[connection * this.#slots + slot] ?? 0),
        );
        const owed = isPresent(connection) && this.#fresh?.[connection * this.#slots + slot] !== 1;
        if (this.#durable || owed) missing += tail;
        else this.counts.away += tail;
      }
      const announced = Math.min(missing, this.#announcedOf[connection] ?? 0);
      this.counts.announced += announced;
      this.counts.lost += missing - announced;
    }
    return this.counts;
  }

  #finalOf(finals: ArrayLike<number>, connection: number, slot: number): number {
    return finals[streamOfSlot(this.#plan, this.#firstConnection + connection, slot)] ?? 0;
  }

  #irregular(connection: number, at: number, run: Run): void {
    let last = this.#last[at] ?? 0;
    if (run.first > last + 1) {
      const skipped = run.first - last - 1;
      if (this.#fresh?.[at] === 1 && !this.#durable) {
        this.counts.away += skipped;
      } else {
        this.#addMissing(at, { first: last + 1, last: run.first - 1 });
        this.#missingOf[connection] = (this.#missingOf[connection] ?? 0) + skipped;
      }
      last = run.last;
    } else {
      for (let seq = run.first; seq <= run.last; seq++) {
        if (seq === last + 1) last = seq;
        else this.#old(connection, at, seq);
      }
    }
    this.#last[at] = last;
    if (this.#fresh !== undefined && last > (this.#resumed?.[at] ?? 0)) this.#fresh[at] = 0;
  }

  #old(connection: number, at: number, seq: number): void {
    if (this.#takeMissing(at, seq)) {
      this.#missingOf[connection] = (this.#missingOf[connection] ?? 0) - 1;
      this.counts.disordered++;
    } else if (this.#resumed !== undefined && seq <= (this.#resumed[at] ?? 0)) {
      this.counts.repeated++;
    } else {
      this.counts.duplicates++;
    }
  }

  #addMissing(at: number, range: Range): void {
    // Past the limit a late event counts as a duplicate: the run has failed by then in any case.
    if (this.#ranges >= MISSING_RANGES_MAX) return;
    this.#ranges++;
    const ranges = this.#missing.get(at);
    if (ranges === undefined) this.#missing.set(at, [range]);
    else ranges.push(range);
  }

  #takeMissing(at: number, seq: number): boolean {
    const ranges = this.#missing.get(at);
    const index = ranges?.findIndex((range) => range.first <= seq && seq <= range.last) ?? -1;
    const range = ranges?.[index];
    if (ranges === undefined || range === undefined) return false;
    const rests: Range[] = [
      { first: range.first, last: seq - 1 },
      { first: seq + 1, last: range.last },
    ].filter((rest) => rest.first <= rest.last);
    ranges.splice(index, 1, ...rests);
    this.#ranges += rests.length - 1;
    return true;
  }
}
