/**
 * A span: batches of one topic that follow one another, as one write. What a connection has not had when its
 * turn comes is a span; everybody who stood at the same place gets the same bytes.
 */

import type { DirectSender } from "@ovation/protocol";
import type { Batch } from "./batch.ts";
import { compress } from "./encoding.ts";

type Send = (descriptor: number) => number;

export class Span {
  /** The number of its first batch, and the one after its last. */
  readonly from: number;
  readonly next: number;
  readonly events: number;
  /** The durable ones among them. */
  readonly durable: number;
  readonly plain: Uint8Array;
  readonly #single: Batch | undefined;
  readonly #sender: DirectSender | undefined;
  #zstd: Uint8Array | undefined;
  #sendPlain: Send | undefined;
  #sendZstd: Send | undefined;

  /** At least one batch. */
  constructor(batches: readonly Batch[], sender: DirectSender | undefined) {
    const [first] = batches;
    if (first === undefined) throw new Error("a span has a batch");
    this.from = first.number;
    this.next = first.number + batches.length;
    this.#single = batches.length === 1 ? first : undefined;
    this.#sender = sender;
    this.plain = joinBytes(batches.map(({ plain }) => plain));
    let events = 0;
    let durable = 0;
    for (const batch of batches) {
      events += batch.events;
      durable += batch.durable;
    }
    this.events = events;
    this.durable = durable;
  }

  /** Compressed as one: repeated words of several batches are found. */
  get zstd(): Uint8Array {
    this.#zstd ??= this.#single?.zstd ?? compress(this.plain);
    return this.#zstd;
  }

  bytes(zstd: boolean): Uint8Array {
    return zstd ? this.zstd : this.plain;
  }

  /** Sends it to a descriptor; answers how many bytes were taken. Only with a sender. */
  send(zstd: boolean, descriptor: number): number {
    if (zstd) {
      this.#sendZstd ??= this.#sender?.aim(this.zstd);
      return this.#sendZstd?.(descriptor) ?? 0;
    }
    this.#sendPlain ??= this.#sender?.aim(this.plain);
    return this.#sendPlain?.(descriptor) ?? 0;
  }
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
