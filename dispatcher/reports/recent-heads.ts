/**
 * The heads that changed recently: one read of the log serves the reports of all frontends. A read
 * continues from the stamp of the last one, page after page up to the present.
 *
 * The pages are complete from `#from` to `#stamp`: a report from a stamp between the two is
 * answered from them. One from before reads the log from its own stamp on, page by page; so does
 * one from beyond: its frontend had the answer of a dispatcher that is ahead, or the log was
 * restored from a backup, and only the log can tell.
 */

import type { Changes, Head, Log } from "@ovation/log";
import type { Clock, Epoch, Stamp, Topic } from "@ovation/protocol";
import { CHANGED_TOPICS_PER_REPORT_MAX } from "../limits.ts";
import {
  HEAD_PAGES_PER_READ_MAX,
  HEADS_AGE_MS,
  RECENT_HEADS_IDLE_MS,
  RECENT_HEADS_MAX,
} from "./limits.ts";

interface Page {
  /** What changed up to this stamp is here or in an earlier page. */
  readonly upTo: Stamp;
  readonly heads: readonly Head[];
}

/** What a frontend knows of the log. */
export interface HeadsQuery {
  readonly since: Stamp;
  /** The epoch of its last report; absent before the first, and from earlier versions. */
  readonly epoch?: Epoch | undefined;
  /** The topics it asks about; absent: all. */
  has?(topic: Topic): boolean;
}

export class RecentHeads {
  readonly #log: Pick<Log, "changes">;
  readonly #clock: Clock;
  #pages: Page[] = [];
  #size = 0;
  #from: Stamp = 0;
  #stamp: Stamp = -1;
  #epoch: Epoch = "";
  /** The last read ended before the present. */
  #isBehind = false;
  /** Heads beyond `#stamp`, which does not move while an append is in flight. */
  #ahead: readonly Head[] = [];
  /** When the last read began that succeeded. */
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  /** Begins when the read in flight has ended. */
  #next: Promise<void> | undefined;
  readonly #older = new Map<Stamp, Promise<Changes>>();
  #reads = 0;

  constructor(log: Pick<Log, "changes">, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Heads in memory. */
  get size(): number {
    return this.#size;
  }

  /** Reads of the log so far. */
  get reads(): number {
    return this.#reads;
  }

  async changes({ since, epoch = "", has = () => true }: HeadsQuery): Promise<Changes> {
    if (since < 0) {
      await this.#readFromNow();
      return { heads: [], stamp: this.#stamp, epoch: this.#epoch, more: false };
    }
    const isOld = this.#clock.now() - this.#readAt >= HEADS_AGE_MS;
    if (isOld || this.#isBehind) await (this.#reading ?? this.#read());
    const isOther = epoch !== "" && epoch !== this.#epoch;
    if (isOther || since > this.#stamp) await this.#readFromNow();
    if (since >= this.#from && since <= this.#stamp) return this.#answer(since, has);
    const { heads, ...rest } = await this.#readOlder(since);
    return { ...rest, heads: heads.filter(({ topic }) => has(topic)) };
  }

  #answer(since: Stamp, has: (topic: Topic) => boolean): Changes {
    const found = new Map<Topic, Head>();
    const add = (heads: readonly Head[]) => {
      for (const head of heads) if (has(head.topic)) found.set(head.topic, head);
    };
    const epoch = this.#epoch;
    for (const { upTo, heads } of this.#pages.slice(this.#firstAfter(since))) {
      add(heads);
      if (found.size >= CHANGED_TOPICS_PER_REPORT_MAX && upTo < this.#stamp)
        return { heads: [...found.values()], stamp: upTo, epoch, more: true };
    }
    add(this.#ahead);
    return { heads: [...found.values()], stamp: this.#stamp, epoch, more: this.#isBehind };
  }

  #firstAfter(since: Stamp): number {
    let index = this.#pages.length;
    while (index > 0 && (this.#pages[index - 1]?.upTo ?? 0) > since) index--;
    return index;
  }

  /** Frontends that are behind alike share the read. */
  #readOlder(since: Stamp): Promise<Changes> {
    const running = this.#older.get(since);
    if (running !== undefined) return running;
    const read = this.#readLog(since).finally(() => this.#older.delete(since));
    this.#older.set(since, read);
    return read;
  }

  /** A read that begins after this call; calls that wait for it share it. */
  #readFromNow(): Promise<void> {
    if (this.#reading === undefined) return this.#read();
    this.#next ??= this.#reading
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#reading ?? this.#read();
      });
    return this.#next;
  }

  #read(): Promise<void> {
    this.#reading = this.#readPages().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readPages(): Promise<void> {
    const begunAt = this.#clock.now();
    const isIdle = begunAt - this.#readAt > RECENT_HEADS_IDLE_MS;
    let since = isIdle ? -1 : this.#stamp;
    for (let page = 0; page < HEAD_PAGES_PER_READ_MAX; page++) {
      const changes = await this.#readLog(since);
      this.#take(since, changes);
      since = changes.stamp;
      if (!changes.more) break;
    }
    this.#readAt = begunAt;
  }

  #readLog(since: Stamp): Promise<Changes> {
    this.#reads++;
    return this.#log.changes(since, CHANGED_TOPICS_PER_REPORT_MAX);
  }

  #take(since: Stamp, { heads, stamp, epoch, more }: Changes): void {
    const isPresent = since < 0 || stamp < since;
    // Heads of another epoch may be of the future that a restored log has lost.
    if (isPresent || epoch !== this.#epoch) {
      this.#pages = [];
      this.#size = 0;
      this.#from = isPresent ? stamp : since;
    }
    const isStill = stamp === since;
    if (heads.length > 0 && !isStill) {
      this.#pages.push({ upTo: stamp, heads });
      this.#size += heads.length;
    }
    this.#ahead = isStill ? heads : [];
    this.#stamp = stamp;
    this.#epoch = epoch;
    this.#isBehind = more;
    this.#evict();
  }

  #evict(): void {
    while (this.#size > RECENT_HEADS_MAX) {
      const oldest = this.#pages.shift();
      if (oldest === undefined) return;
      this.#size -= oldest.heads.length;
      this.#from = oldest.upTo;
    }
  }
}
