/**
 * Group commit: all calls that wait when a commit starts share it. An idle log commits at once; a
 * busy one gathers while the commit before it runs, so the groups grow with the load by themselves
 * and there is no delay to tune.
 */

import {
  GROUP_CHARACTERS_MAX,
  GROUP_ENTRIES_MAX,
  QUEUE_CHARACTERS_MAX,
  QUEUE_ENTRIES_MAX,
} from "./limits.ts";
import {
  type Appended,
  type LogEntry,
  LogFullError,
  LogUnavailableError,
  LogUnusableError,
} from "./log.ts";

/** The entries of one `append`: committed together or not at all. */
export type Call = readonly LogEntry[];

export interface GroupCommitOptions {
  /** Commits the calls in one transaction and answers the results of each, in order. */
  readonly commit: (calls: readonly Call[]) => Promise<readonly (readonly Appended[])[]>;
  /** Transactions in flight at once. */
  readonly inFlightMax: number;
  readonly queueEntriesMax?: number;
  readonly queueCharactersMax?: number;
}

interface Waiting {
  readonly call: Call;
  readonly characters: number;
  readonly resolve: (appended: readonly Appended[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Throws on a programmer's error: an entry that no form could store as it is. */
export function assertEntry(entry: LogEntry): void {
  if (!Number.isSafeInteger(entry.at) || entry.at < 0)
    throw new TypeError(`an entry's at is ms since 1970, not ${entry.at}`);
  if (entry.data.length === 0) throw new TypeError("an entry's data is JSON text, not empty");
  // PostgreSQL's text holds everything but NUL; JSON text never needs it.
  if (entry.data.includes("\0") || entry.key?.includes("\0"))
    throw new TypeError("an entry holds a NUL character");
  // JSON text never needs that either (`JSON.stringify` escapes it); in UTF-8 it would become
  // another character.
  if (!entry.data.isWellFormed())
    throw new TypeError("an entry's data holds half of a surrogate pair");
  if (entry.key?.isWellFormed() === false)
    throw new TypeError("an entry's key holds half of a surrogate pair");
  const replaced = entry.replace;
  if (replaced === undefined) return;
  if (!Number.isSafeInteger(replaced.seq) || replaced.seq < 1)
    throw new TypeError(`no event has the number ${replaced.seq}`);
  if (replaced.data.length === 0 || replaced.data.includes("\0") || !replaced.data.isWellFormed())
    throw new TypeError("a replacement's data is JSON text");
}

function charactersOf(entry: LogEntry): number {
  return (
    entry.data.length +
    (entry.key?.length ?? 0) +
    (entry.replace?.data.length ?? 0) +
    entry.topic.length +
    entry.type.length
  );
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #queueEntriesMax: number;
  readonly #queueCharactersMax: number;
  #queue: Waiting[] = [];
  #entries = 0;
  #characters = 0;
  #inFlight = 0;
  #scheduled = false;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#queueEntriesMax = options.queueEntriesMax ?? QUEUE_ENTRIES_MAX;
    this.#queueCharactersMax = options.queueCharactersMax ?? QUEUE_CHARACTERS_MAX;
  }

  /** Entries that wait for their commit: a measure of load. */
  get waiting(): number {
    return this.#entries;
  }

  append(call: Call): Promise<readonly Appended[]> {
    if (this.#closed) return Promise.reject(new LogUnavailableError("the log is closed"));
    if (call.length === 0) return Promise.resolve([]);
    let characters = 0;
    try {
      for (const entry of call) {
        assertEntry(entry);
        characters += charactersOf(entry);
      }
    } catch (error) {
      return Promise.reject(error);
    }
    // An empty queue takes a call of any size; what one request may hold is limited at the edge.
    const full =
      this.#entries + call.length > this.#queueEntriesMax ||
      this.#characters + characters > this.#queueCharactersMax;
    if (full && this.#entries > 0) {
      return Promise.reject(
        new LogUnavailableError(
          `the log is overloaded: ${this.#entries} events wait to be stored; try again`,
        ),
      );
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ call, characters, resolve, reject });
      this.#entries += call.length;
      this.#characters += characters;
      this.#schedule();
    });
  }

  /** Refuses new calls and resolves when those that wait are committed. */
  close(): Promise<void> {
    this.#closed = true;
    if (this.#queue.length === 0 && this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** After the present turn of the event loop: requests that arrived together share the commit. */
  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= this.#options.inFlightMax) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#queue.length > 0 && this.#inFlight < this.#options.inFlightMax) {
      const group = this.#takeGroup();
      this.#inFlight++;
      void this.#commit(group).finally(() => {
        this.#inFlight--;
        if (this.#queue.length > 0) this.#schedule();
        else if (this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
      });
    }
  }

  #takeGroup(): Waiting[] {
    let entries = 0;
    let characters = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      const tooLarge =
        entries + waiting.call.length > GROUP_ENTRIES_MAX ||
        characters + waiting.characters > GROUP_CHARACTERS_MAX;
      if (count > 0 && tooLarge) break;
      entries += waiting.call.length;
      characters += waiting.characters;
      count++;
    }
    this.#entries -= entries;
    this.#characters -= characters;
    if (count < this.#queue.length) return this.#queue.splice(0, count);
    const all = this.#queue;
    this.#queue = [];
    return all;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    try {
      const results = await this.#options.commit(group.map((waiting) => waiting.call));
      for (const [index, waiting] of group.entries()) waiting.resolve(results[index] ?? []);
    } catch (error) {
      // Neither the disk nor the server: one of the entries is to blame, and the others must not
      // pay for it.
      if (group.length > 1 && !isOperational(error))
        for (const waiting of group) await this.#commit([waiting]);
      else for (const waiting of group) waiting.reject(error);
    }
  }
}

function isOperational(error: unknown): boolean {
  return (
    error instanceof LogUnavailableError ||
    error instanceof LogFullError ||
    error instanceof LogUnusableError
  );
}
