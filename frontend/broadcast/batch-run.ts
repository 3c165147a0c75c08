/**
 * A batch run: consecutive batches of one topic, encoded as one write. What a connection lacks at
 * its turn is a run; all connections that lack the same batches get the same bytes.
 */

import type { DirectSender } from "@ovation/protocol";
import { PLAIN, type WireForm } from "../connections/wire-form.ts";
import type { Batch } from "./batch.ts";
import { Encoded } from "./encoding.ts";

type Send = (descriptor: number) => number;

export class BatchRun {
  /** The number of the first batch, and the one after the last. */
  readonly from: number;
  readonly next: number;
  readonly events: number;
  /** How many of the events are durable. */
  readonly durable: number;
  /** Encoded together: one chunk a write, and zstd finds what several batches repeat. */
  readonly #encoded: Encoded;
  readonly #sender: DirectSender | undefined;
  /** By wire form. */
  readonly #sends: (Send | undefined)[] = [];

  constructor(batches: readonly Batch[], sender: DirectSender | undefined) {
    const [first] = batches;
    if (first === undefined) throw new Error("a batch run has at least one batch");
    this.from = first.number;
    this.next = first.number + batches.length;
    this.#sender = sender;
    this.#encoded =
      batches.length === 1
        ? first.encoded
        : Encoded.ofBytes(joinBytes(batches.map(({ encoded }) => encoded.bytes(PLAIN))));
    let events = 0;
    let durable = 0;
    for (const batch of batches) {
      events += batch.events;
      durable += batch.durable;
    }
    this.events = events;
    this.durable = durable;
  }

  bytes(form: WireForm): Uint8Array {
    return this.#encoded.bytes(form);
  }

  /** Sends it to a descriptor, and returns how many bytes the kernel took. Only with a sender. */
  send(form: WireForm, descriptor: number): number {
    const known = this.#sends[form];
    if (known !== undefined) return known(descriptor);
    const send = this.#sender?.aim(this.bytes(form));
    this.#sends[form] = send;
    return send?.(descriptor) ?? 0;
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
