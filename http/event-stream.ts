/**
 * A socket whose response is a stream: all that remains of a connection, so that an idle viewer is
 * cheap.
 */

import type { StreamSource } from "@ovation/protocol";
import type { CutReason } from "./connection/cut-reason.ts";
import { STREAM_INPUT_BYTES_MAX } from "./limits.ts";
import type { OwnedSocket, SocketOwner } from "./socket-owner.ts";
import { EvictionRank, type PooledSocket } from "./socket-pool.ts";
import { SocketWriter } from "./socket-writer.ts";

/** What a stream needs of its server. */
export interface StreamHost {
  cut(reason: CutReason): void;
  /**
   * The stream has ended on our side, and the client has yet to take the rest of it; `closed` when
   * it has, or cannot.
   */
  ends(stream: EventStream): void;
  closed(stream: EventStream): void;
}

/** [spec] RFC 9112, 7.1: the last chunk, and no trailers. */
const LAST_CHUNK = Buffer.from("0\r\n\r\n");

/** To a client of HTTP/1.0: the body as it is, which ends with the connection. */
export class EventStream extends SocketWriter implements SocketOwner {
  address = "";
  nextOfAddress: PooledSocket | undefined;
  previousOfAddress: PooledSocket | undefined;
  /** Undefined from the end on, whichever side made it. */
  #source: StreamSource | undefined;
  readonly #host: StreamHost;
  readonly #fd: number;
  #inputBytes = 0;

  constructor(socket: OwnedSocket, source: StreamSource, host: StreamHost) {
    super(socket);
    this.#source = source;
    this.#host = host;
    this.#fd = socket.fd ?? -1;
  }

  get descriptor(): number {
    return this.#source === undefined || this.isWaiting ? -1 : this.#fd;
  }

  get evictionRank(): EvictionRank {
    return this.#source === undefined ? EvictionRank.answer : EvictionRank.stream;
  }

  evict(): void {
    this.#host.cut("crowded");
    this.socket.terminate();
  }

  receive(bytes: Uint8Array): void {
    this.#inputBytes += bytes.length;
    if (this.#inputBytes <= STREAM_INPUT_BYTES_MAX) return;
    this.#host.cut("input");
    this.socket.terminate();
  }

  /** A getter of the class: a field would cost every idle viewer its bytes. */
  get isChunked(): boolean {
    return false;
  }

  override end(): void {
    if (this.isChunked && this.#source !== undefined) void this.write(LAST_CHUNK);
    this.#source = undefined;
    if (this.isWaiting) this.#host.ends(this);
    super.end();
  }

  override cut(): void {
    this.#source = undefined;
    super.cut();
  }

  override closed(): void {
    super.closed();
    const source = this.#source;
    this.#source = undefined;
    // An end from this side is not the client's going.
    if (source === undefined) this.#host.closed(this);
    else source.cancel();
  }
}

/** To a client of HTTP/1.1: the caller writes chunks, and a clean end is the last one. */
export class ChunkedEventStream extends EventStream {
  override get isChunked(): boolean {
    return true;
  }
}
