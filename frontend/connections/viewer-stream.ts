/** What a transport holds of a connection while the stream lasts: an object, and no closures. */

import type { ByteWriter, StreamSource } from "@ovation/protocol";
import type { Frontend } from "../frontend.ts";
import type { Connection } from "./connection.ts";
import type { ConnectRequest } from "./connections.ts";

export class ViewerStream implements StreamSource {
  readonly #frontend: Frontend;
  readonly #connection: Connection;
  /** Until the start only: an idle viewer does not keep its request. */
  #request: ConnectRequest | undefined;

  constructor(frontend: Frontend, connection: Connection, request: ConnectRequest) {
    this.#frontend = frontend;
    this.#connection = connection;
    this.#request = request;
  }

  start(writer: ByteWriter): void {
    const request = this.#request;
    this.#request = undefined;
    if (request !== undefined) void this.#frontend.open(this.#connection, writer, request);
  }

  /** The viewer goes. An end from this side is the frontend's own doing, and it knows. */
  cancel(): void {
    // A client that disconnects before the start is not opened: its slot is free already.
    this.#request = undefined;
    this.#frontend.closed(this.#connection, "left");
  }
}
