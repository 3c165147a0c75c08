/**
 * A connection: one open SSE response. It owns no queue. What it has not been sent yet is a place
 * (`Subscription.next`) in each topic's shared ring, so a slow viewer costs what a fast one costs.
 */

import type { ByteWriter, ConnectionId, Event, Identity, TopicPosition } from "@ovation/protocol";
import type { Channel } from "../broadcast/channel.ts";
import { encodeText } from "../broadcast/encoding.ts";
import { CHUNKED, type WireForm } from "./wire-form.ts";

/** One topic of one connection. */
export interface Subscription {
  readonly connection: Connection;
  readonly channel: Channel;
  /** Where the topic stood when it was subscribed. */
  readonly start: TopicPosition;
  /** The number of the next batch of the channel that this connection has to get. */
  next: number;
  /** Index in `channel.subscriptions`. */
  index: number;
  /** Where a broadcast writes without a look at the connection; -1 where it has to look: see `Connection.update`. */
  descriptor: number;
  /** The connection's, beside the descriptor. */
  readonly form: WireForm;
  /** The connection has other topics, which may have something for it as well. */
  several: boolean;
}

/** What a subscription had seen when its connection stopped taking bytes. */
export interface Lag {
  readonly position: TopicPosition;
  readonly liveEvents: number;
  /** Of the first batch that it did not get, or a later one. */
  readonly order: number;
  /** Wall clock when it fell behind. */
  readonly at: number;
  /** All that had been written of each summed type. */
  readonly sums: ReadonlyMap<string, Event>;
}

export type CloseReason =
  | "left"
  | "stuck"
  | "lifetime"
  | "token-expired"
  | "drain"
  | "error"
  | "refused"
  | "evicted"
  | "behind"
  | "reset";

export class Connection {
  readonly id: ConnectionId;
  readonly identity: Identity | undefined;
  /** Of all that is written to it; complete when it has its writer. */
  form: WireForm;
  readonly address: string;
  /** When its lifetime is over, by the steady clock. */
  readonly endsAt: number;
  writer: ByteWriter | undefined;
  subscriptions: Subscription[] = [];
  /** The highest order of a change of its subscriptions so far. */
  changeOrder = 0;
  /** Its first event, and what it had missed, have been written. */
  open = false;
  closed = false;
  /** Since when, by the steady clock, a write has not drained; 0 where none waits. */
  pendingSince = 0;
  /** Open, not closed, nothing pending: it takes part in broadcasts. */
  ready = false;
  /** Something beside broadcasts was written since the last look: no heartbeat needed. */
  wrote = false;
  /** All `next` of its subscriptions, added up, at the last look: another sum means that a broadcast was written. */
  progress = 0;
  /** Broadcasts of this tick that are for it alone. */
  due = 0;
  /** Its place on the wheel of heartbeats. */
  slot = 0;
  /** Per subscription, where it stood when the connection became slow. Only slow ones have it. */
  lags: Map<Subscription, Lag> | undefined;

  constructor(options: {
    readonly id: ConnectionId;
    readonly identity: Identity | undefined;
    readonly form: WireForm;
    readonly address: string;
    readonly endsAt: number;
  }) {
    this.id = options.id;
    this.identity = options.identity;
    this.form = options.form;
    this.address = options.address;
    this.endsAt = options.endsAt;
  }

  /** Where it writes from now on. Before its first subscription, which takes its form from it. */
  attach(writer: ByteWriter): void {
    this.writer = writer;
    if (writer.isChunked === true) this.form = (this.form | CHUNKED) as WireForm;
  }

  /** After every change of what it says: `ready`, and what broadcasts read in its subscriptions instead. */
  update(): void {
    this.ready = this.open && !this.closed && this.pendingSince === 0;
    const descriptor = this.ready ? (this.writer?.descriptor ?? -1) : -1;
    const several = this.subscriptions.length > 1;
    for (const subscription of this.subscriptions) {
      subscription.descriptor = descriptor;
      subscription.several = several;
    }
  }

  /** Whether something was written since this was asked last. */
  takeWrote(): boolean {
    let progress = 0;
    for (const { next } of this.subscriptions) progress += next;
    const wrote = this.wrote || progress !== this.progress;
    this.progress = progress;
    this.wrote = false;
    return wrote;
  }

  /** A frame for this connection alone. Answers the promise where it has to wait. */
  writeText(text: string): Promise<number> | undefined {
    if (this.writer === undefined || this.closed) return undefined;
    return this.writeBytes(encodeText(text, this.form));
  }

  /** Bytes in this connection's wire form. */
  writeBytes(bytes: Uint8Array): Promise<number> | undefined {
    if (this.writer === undefined || this.closed) return undefined;
    this.wrote = true;
    const written = this.writer.write(bytes);
    return typeof written === "number" ? undefined : written;
  }
}

/** Whether another topic of the connection has something for it that it has not had. */
export function hasOutstanding(connection: Connection, but: Subscription): boolean {
  for (const subscription of connection.subscriptions) {
    if (subscription !== but && subscription.next < subscription.channel.nextBatch) return true;
  }
  return false;
}
