/**
 * A connection: one open SSE response. It owns no queue: what it still lacks is a number
 * (`Subscription.next`) for each topic's shared ring, so a slow viewer costs what a fast one costs.
 */

import type { ByteWriter, ConnectionId, Event, Identity, TopicPosition } from "@ovation/protocol";
import { encodeText } from "../broadcast/encoding.ts";
import type { Subscription } from "../broadcast/subscription.ts";
import { CHUNKED, type WireForm } from "./wire-form.ts";

/** What a subscription had received when its connection became slow. */
export interface Lag {
  readonly position: TopicPosition;
  readonly liveEvents: number;
  /** The order of the first batch that was not written, or a later one. */
  readonly order: number;
  /** Wall clock when the connection became slow. */
  readonly at: number;
  /** See `TopicBuffer.sums`. */
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
  /** Of all that is written to it. Final once it has its writer. */
  form: WireForm;
  readonly address: string;
  /** The end of its lifetime, by the steady clock. */
  readonly endsAt: number;
  writer: ByteWriter | undefined;
  subscriptions: Subscription<Connection>[] = [];
  /** The highest `order` of a change of its subscriptions. */
  changeOrder = 0;
  /** The first event and the replay are written: broadcasts reach it. */
  open = false;
  closed = false;
  /** When a write began to wait for the socket, by the steady clock; 0 where none waits. */
  pendingSince = 0;
  /** Open, not closed, no write pending: broadcasts write to it. */
  ready = false;
  /** Bytes beside broadcasts were written since the last `takeWrote`. */
  wrote = false;
  /** The sum of all `next` at the last `takeWrote`: it changes with every broadcast. */
  progress = 0;
  /** Single-subscriber rounds of this tick for this connection. */
  due = 0;
  /** Its slot on the wheel of heartbeats. */
  slot = 0;
  /** Set while the connection is slow. */
  lags: Map<Subscription<Connection>, Lag> | undefined;

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

  /** Before the first subscription, which copies the form. */
  attach(writer: ByteWriter): void {
    this.writer = writer;
    if (writer.isChunked === true) this.form = (this.form | CHUNKED) as WireForm;
  }

  /** Call it after every change: it sets `ready` and the copies in the subscriptions. */
  update(): void {
    this.ready = this.open && !this.closed && this.pendingSince === 0;
    const descriptor = this.ready ? (this.writer?.descriptor ?? -1) : -1;
    const several = this.subscriptions.length > 1;
    for (const subscription of this.subscriptions) {
      subscription.descriptor = descriptor;
      subscription.several = several;
    }
  }

  /** Whether bytes were written since the last call. */
  takeWrote(): boolean {
    let progress = 0;
    for (const { next } of this.subscriptions) progress += next;
    const wrote = this.wrote || progress !== this.progress;
    this.progress = progress;
    this.wrote = false;
    return wrote;
  }

  /** A frame for this connection alone. The promise settles when the socket has drained. */
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

/** Whether another topic of the connection has batches that it lacks. */
export function hasOutstanding(connection: Connection, except: Subscription<Connection>): boolean {
  for (const subscription of connection.subscriptions) {
    if (subscription !== except && subscription.next < subscription.channel.nextBatch) return true;
  }
  return false;
}
