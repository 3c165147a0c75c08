/**
 * Sockets by `Bun.connect`, on every system: a `Buffer` and a call for each read, and a round for
 * each read.
 */
import type { Socket } from "bun";
import type { ReaderSocket, SocketHandlers, Sockets } from "./sockets.ts";

export class BunSockets<Owner> implements Sockets<Owner> {
  readonly #host: string;
  readonly #port: number;
  readonly #handlers: SocketHandlers<Owner>;

  constructor(host: string, port: number, handlers: SocketHandlers<Owner>) {
    this.#host = host;
    this.#port = port;
    this.#handlers = handlers;
  }

  connect(owner: Owner, source: string | undefined): ReaderSocket {
    const socket = new BunSocket(owner, this.#handlers);
    const options = {
      hostname: this.#host,
      port: this.#port,
      data: socket,
      socket: this.#calls,
      ...(source === undefined ? {} : { localAddress: source }),
    };
    // Bun passes `localAddress` to the socket, though its types do not list it: the contract test
    // checks that. A failure to connect arrives in `connectError`; the promise reports it again.
    Bun.connect<BunSocket<Owner>>(options).catch(() => undefined);
    return socket;
  }

  end(): void {
    // Bun's own loop reads: there is nothing to stop.
  }

  readonly #calls = {
    open: (native: Socket<BunSocket<Owner>>): void => native.data.open(native),
    data: (native: Socket<BunSocket<Owner>>, chunk: Buffer): void => {
      if (native.data.closed) return;
      this.#handlers.received(native.data.owner, chunk, chunk.length);
      this.#handlers.roundEnded();
    },
    drain: (native: Socket<BunSocket<Owner>>): void => native.data.drain(),
    close: (native: Socket<BunSocket<Owner>>): void => native.data.close(undefined),
    connectError: (
      native: Socket<BunSocket<Owner>>,
      error: Error & { readonly code?: string },
    ): void => native.data.close(error.code ?? error.message),
    error: (native: Socket<BunSocket<Owner>>): void => {
      native.terminate();
    },
  };
}

class BunSocket<Owner> implements ReaderSocket {
  readonly owner: Owner;
  readonly #handlers: SocketHandlers<Owner>;
  #native: Socket<BunSocket<Owner>> | undefined;
  #unsent: Buffer | undefined;
  closed = false;
  opened = false;

  constructor(owner: Owner, handlers: SocketHandlers<Owner>) {
    this.owner = owner;
    this.#handlers = handlers;
  }

  write(text: string): void {
    this.#unsent = Buffer.from(text);
    this.drain();
  }

  drain(): void {
    if (this.#unsent === undefined || this.#native === undefined) return;
    const rest = this.#unsent.subarray(this.#native.write(this.#unsent));
    this.#unsent = rest.length === 0 ? undefined : rest;
  }

  end(): void {
    this.#native?.end();
    this.close(undefined);
  }

  terminate(): void {
    this.#native?.terminate();
    this.close(undefined);
  }

  open(native: Socket<BunSocket<Owner>>): void {
    if (this.closed) {
      native.terminate();
      return;
    }
    this.#native = native;
    this.opened = true;
    this.#handlers.opened(this.owner);
  }

  close(failure: string | undefined): void {
    if (this.closed) return;
    this.closed = true;
    this.#handlers.closed(this.owner, failure);
  }
}
