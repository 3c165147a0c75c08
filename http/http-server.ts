/** Listens, gives each socket to a connection, and ends what takes too long. */

import type { Problem, RouteAnswer } from "@ovation/protocol";
import type { CutReason } from "./cut-reason.ts";
import type { EventStream } from "./event-stream.ts";
import { type Call, type ConnectionHost, HttpConnection } from "./http-connection.ts";
import type { IncomingRequest } from "./incoming-request.ts";
import {
  ANSWER_STALLED_MS_MAX,
  IDLE_MS_MAX,
  ROOM_LOOKS_MAX,
  STOP_MS_MAX,
  STOP_POLL_MS,
  SWEEP_MS,
} from "./limits.ts";
import type { OwnedSocket, SocketOwner } from "./socket-owner.ts";

export interface HttpServerOptions {
  readonly at:
    | { readonly host: string; readonly port: number; readonly reusePort: boolean }
    | { readonly unix: string };
  /** Answers every request, and does not throw. What it rejects with is answered `internal-error`: it is a programmer's error, and `onError`'s. */
  handle(request: IncomingRequest, call: Call): Promise<RouteAnswer>;
  onError(error: unknown): void;
  /** A request that was none, or too much of one. */
  onRefused(problem: Problem): void;
  /** A connection that was ended without its asking. */
  onCut?(reason: CutReason): void;
  /** How long a connection may wait for its next request; default: {@link IDLE_MS_MAX}. A proxy that keeps connections must give up earlier. */
  readonly idleMs?: number;
  /**
   * Sockets open at a time, streams included. Beyond, whoever has waited longest without asking anything makes
   * room, before whoever has waited longest for another request; where everybody has asked, the new one is let go. Fewer than the files that the process may
   * open: past those, sockets wait unaccepted and the runtime spins on them.
   */
  readonly socketsMax?: number;
}

export class HttpServer implements ConnectionHost {
  stopping = false;
  readonly idleMs: number;
  readonly #options: HttpServerOptions;
  readonly #listener: { readonly port?: number; stop(closeActive?: boolean): void };
  /** Those that read requests, the longest waiting first; not the streams. */
  readonly #connections = new Set<HttpConnection>();
  /** Streams whose last bytes the client has yet to take, and since when. */
  readonly #ending = new Map<EventStream, number>();
  readonly #socketsMax: number;
  #sockets = 0;
  readonly #sweeping: ReturnType<typeof setInterval>;

  /** Throws where the address is taken. */
  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.idleMs = options.idleMs ?? IDLE_MS_MAX;
    this.#socketsMax = options.socketsMax ?? Number.POSITIVE_INFINITY;
    const socket: Bun.SocketHandler<SocketOwner> = {
      open: (opened) => {
        this.#sockets++;
        if (this.#sockets > this.#socketsMax && !this.#makeRoom()) {
          this.cut("crowded");
          opened.terminate();
          return;
        }
        const connection = new HttpConnection(opened as unknown as OwnedSocket, this);
        opened.data = connection;
        this.#connections.add(connection);
      },
      data: (from, bytes) => from.data.receive(bytes),
      drain: (drained) => drained.data.drain(),
      close: (gone) => {
        this.#sockets--;
        gone.data?.closed();
      },
      error: (failing, error) => {
        // A reset and the like are the network's; anything else was thrown in here, and leaves the connection in no known state.
        if (!("syscall" in error)) options.onError(error);
        failing.terminate();
      },
    };
    const { at } = options;
    // Bun takes `reusePort` here too, though its types do not list it: `http-server.test.ts` holds that.
    this.#listener =
      "unix" in at
        ? Bun.listen<SocketOwner>({ unix: at.unix, socket })
        : Bun.listen<SocketOwner>({
            hostname: at.host,
            port: at.port,
            socket,
            ...({ reusePort: at.reusePort } as object),
          });
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_MS);
  }

  get port(): number | undefined {
    return this.#listener.port;
  }

  now(): number {
    return performance.now();
  }

  handle(request: IncomingRequest, call: Call): Promise<RouteAnswer> {
    return this.#options.handle(request, call);
  }

  failed(error: unknown): void {
    this.#options.onError(error);
  }

  refused(problem: Problem): void {
    this.#options.onRefused(problem);
  }

  cut(reason: CutReason): void {
    this.#options.onCut?.(reason);
  }

  waits(connection: HttpConnection): void {
    this.#connections.delete(connection);
    this.#connections.add(connection);
  }

  left(connection: HttpConnection): void {
    this.#connections.delete(connection);
  }

  ends(stream: EventStream): void {
    this.#ending.set(stream, this.now());
  }

  closed(stream: EventStream): void {
    this.#ending.delete(stream);
  }

  /** No new connections; resolves when what is under way is answered, not later than after STOP_MS_MAX. At once with `now`: then streams are reset too. */
  async stop(now: boolean): Promise<void> {
    this.stopping = true;
    const since = this.now();
    const until = since + (now ? 0 : STOP_MS_MAX);
    this.#listener.stop(now);
    while (this.#connections.size + this.#ending.size > 0 && this.now() < until) {
      for (const connection of this.#connections) connection.endIfIdle(since);
      await Bun.sleep(STOP_POLL_MS);
    }
    clearInterval(this.#sweeping);
    for (const connection of this.#connections) connection.terminate();
    this.#listener.stop(true);
  }

  /** First those on which nothing was ever asked: a flood of silent sockets pushes out its own, and not a client between two requests. */
  #makeRoom(): boolean {
    for (const unused of [true, false]) {
      let looks = 0;
      for (const connection of this.#connections) {
        if (connection.makeRoom(unused)) return true;
        if (++looks === ROOM_LOOKS_MAX) break;
      }
    }
    return false;
  }

  #sweep(): void {
    const now = this.now();
    for (const connection of this.#connections) connection.sweep(now);
    for (const [stream, since] of this.#ending) {
      if (now - since <= ANSWER_STALLED_MS_MAX) continue;
      this.cut("unread");
      stream.cut();
    }
  }
}
