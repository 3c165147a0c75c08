/** A socket whose answer is a stream: all that is left of a connection, so that an idle viewer costs little. */

import type { StreamSource } from "@ovation/protocol";
import { STREAM_INPUT_BYTES_MAX } from "./limits.ts";
import type { OwnedSocket, SocketOwner } from "./socket-owner.ts";
import { SocketWriter } from "./socket-writer.ts";

export class EventStream extends SocketWriter implements SocketOwner {
  readonly #source: StreamSource;
  readonly #fd: number;
  #over = false;
  #inputBytes = 0;

  constructor(socket: OwnedSocket, source: StreamSource) {
    super(socket);
    this.#source = source;
    this.#fd = socket.fd ?? -1;
  }

  get descriptor(): number {
    return this.#over || this.isWaiting ? -1 : this.#fd;
  }

  receive(bytes: Uint8Array): void {
    this.#inputBytes += bytes.length;
    if (this.#inputBytes > STREAM_INPUT_BYTES_MAX) this.socket.terminate();
  }

  override end(): void {
    this.#over = true;
    super.end();
  }

  override cut(): void {
    this.#over = true;
    super.cut();
  }

  override closed(): void {
    super.closed();
    // An end from this side is not the client's going.
    if (this.#over) return;
    this.#over = true;
    this.#source.cancel();
  }
}
