/**
 * Log reads: reads for returning clients. The same read is shared; at most LOG_READS_MAX are in
 * flight, a quarter of them for one address, so that no address waits behind another. A slot is
 * taken while the log is read, never while a socket drains.
 */

import { addressGroupOf } from "@ovation/protocol";
import { LOG_READS_MAX, LOG_READS_PER_ADDRESS_SHARE } from "../limits.ts";
import { FairQueue } from "./fair-queue.ts";

interface Read<Value = unknown> {
  readonly key: string;
  readonly promise: Promise<Value>;
  begin(group: string): void;
  begun: boolean;
}

interface Ticket {
  readonly group: string;
  readonly read: Read;
}

export class LogReads {
  readonly #max: number;
  readonly #perAddressMax: number;
  readonly #reads = new Map<string, Read>();
  readonly #waiting = new FairQueue<Ticket>();
  readonly #running = new Map<string, number>();
  #total = 0;

  constructor(max = LOG_READS_MAX) {
    this.#max = max;
    this.#perAddressMax = Math.max(1, Math.floor(max * LOG_READS_PER_ADDRESS_SHARE));
  }

  /** The result of `run`, or of the read with the same key that is queued or in flight. */
  read<Value>(address: string, key: string, run: () => Promise<Value>): Promise<Value> {
    // A key names what is read, so the values of one key have one type.
    const read = (this.#reads.get(key) ?? this.#create(key, run)) as Read<Value>;
    // The read of another address may wait behind many of its own: here it has a turn of this one's
    // too.
    if (!read.begun) {
      this.#waiting.push(address, { group: addressGroupOf(address), read }, true);
      this.#next();
    }
    return read.promise;
  }

  #create<Value>(key: string, run: () => Promise<Value>): Read {
    let start: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      start = resolve;
    });
    const promise = started.then(run);
    const read: Read = {
      key,
      promise,
      begun: false,
      begin: (group) => {
        read.begun = true;
        this.#count(group, 1);
        start();
        const done = () => {
          this.#reads.delete(key);
          this.#count(group, -1);
          this.#next();
        };
        promise.then(done, done);
      },
    };
    this.#reads.set(key, read);
    return read;
  }

  #count(group: string, change: 1 | -1): void {
    const running = (this.#running.get(group) ?? 0) + change;
    if (running > 0) this.#running.set(group, running);
    else this.#running.delete(group);
    this.#total += change;
  }

  #next(): void {
    while (this.#total < this.#max) {
      const ticket = this.#waiting.shift(
        (group) => (this.#running.get(group) ?? 0) < this.#perAddressMax,
      );
      if (ticket === undefined) return;
      if (!ticket.read.begun) ticket.read.begin(ticket.group);
    }
  }
}
