/** Listens, gives each socket to a connection, and cuts what takes too long. */

import {
  type AddressPools,
  addressGroupOf,
  createMemoryPools,
  type Problem,
  type RouteAnswer,
  steadyClock,
} from "@ovation/protocol";
import type { Call, ConnectionHost, HostedConnection } from "./connection/connection-host.ts";
import type { CutReason } from "./connection/cut-reason.ts";
import { HttpConnection } from "./connection/http-connection.ts";
import type { IncomingRequest } from "./connection/incoming-request.ts";
import type { EventStream } from "./event-stream.ts";
import {
  ANSWER_STALLED_MS_MAX,
  BODY_BYTES_PER_ADDRESS_MAX,
  IDLE_MS_MAX,
  STOP_MS_MAX,
  STOP_POLL_MS,
  SWEEP_MS,
  UNREAD_BYTES_PER_ADDRESS_MAX,
} from "./limits.ts";
import { SharedBytes } from "./shared-bytes.ts";
import type { OwnedSocket, SocketOwner } from "./socket-owner.ts";
import { EvictionRank, SocketPool } from "./socket-pool.ts";

export interface HttpServerOptions {
  readonly at:
    | { readonly host: string; readonly port: number; readonly reusePort: boolean }
    | { readonly unix: string };
  /**
   * Handles every request, and does not throw. A rejection is a bug: the response is
   * `internal-error`, and `onError` gets it.
   */
  handle(request: IncomingRequest, call: Call): Promise<RouteAnswer>;
  onError(error: unknown): void;
  /** A malformed request, or one over a limit. */
  onRefused(problem: Problem): void;
  /** A connection that the server cut. */
  onCut?(reason: CutReason): void;
  /**
   * How long a connection may wait for its next request; default: {@link IDLE_MS_MAX}. A proxy that
   * keeps connections must close them earlier.
   */
  readonly idleMs?: number;
  /**
   * Open sockets, streams included. Over the limit, the heaviest address loses a socket
   * (`socket-pool.ts`). Must be below the descriptor limit: past it, sockets wait unaccepted and
   * the runtime spins on them.
   */
  readonly socketsMax?: number;
  /**
   * The client's address, by the headers of trusted proxies. Default, and where it is "": the
   * peer's.
   */
  addressOf?(request: IncomingRequest, peer: string): string;
  /** Where bytes that wait for clients are counted. Default: in this server alone. */
  readonly pools?: AddressPools;
  /** Without limits per address, as for imports and measuring. Sockets are evicted all the same. */
  readonly unlimited?: boolean;
}

export class HttpServer implements ConnectionHost {
  stopping = false;
  readonly idleMs: number;
  readonly #options: HttpServerOptions;
  readonly #listener: { readonly port?: number; stop(closeActive?: boolean): void };
  readonly bodies: SharedBytes;
  readonly unread: SharedBytes;
  /** Those that read requests; not the streams. */
  readonly #connections = new Set<HostedConnection>();
  /** Streams whose last bytes the client has yet to read, and since when. */
  readonly #ending = new Map<EventStream, number>();
  readonly #socketsMax: number;
  readonly #pool = new SocketPool();
  readonly #sweeping: ReturnType<typeof setInterval>;

  /** Throws where the port is taken. */
  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.idleMs = options.idleMs ?? IDLE_MS_MAX;
    this.#socketsMax = options.socketsMax ?? Number.POSITIVE_INFINITY;
    const { pools = createMemoryPools(steadyClock), unlimited = false } = options;
    const bytes = (pool: string, max: number, rank: EvictionRank) =>
      new SharedBytes(pools.shares(pool, unlimited ? Number.POSITIVE_INFINITY : max), (address) =>
        this.#pool.evict(address, { from: rank, to: rank }),
      );
    this.bodies = bytes("body-bytes", BODY_BYTES_PER_ADDRESS_MAX, EvictionRank.body);
    this.unread = bytes("unread-bytes", UNREAD_BYTES_PER_ADDRESS_MAX, EvictionRank.answer);
    const socket: Bun.SocketHandler<SocketOwner> = {
      open: (opened) => {
        const connection = new HttpConnection(opened as unknown as OwnedSocket, this);
        if (this.#pool.size >= this.#socketsMax && !this.#pool.makeRoom(connection.home)) {
          this.cut("crowded");
          opened.terminate();
          return;
        }
        opened.data = connection;
        this.#connections.add(connection);
        this.#pool.add(connection, connection.home);
      },
      data: (from, bytes) => from.data.receive(bytes),
      drain: (drained) => drained.data.drain(),
      close: ({ data: owner }) => {
        if (owner === undefined) return;
        this.#pool.remove(owner);
        owner.closed();
      },
      error: (failing, error) => {
        // A reset and the like are the network's; any other error was thrown here, and leaves the
        // connection in an unknown state.
        if (!("syscall" in error)) options.onError(error);
        failing.terminate();
      },
    };
    const { at } = options;
    // Bun takes `reusePort` here too, though its types do not list it: `http-server.test.ts` holds
    // that.
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

  addressOf(request: IncomingRequest, peer: string): string {
    return this.#options.addressOf?.(request, peer) || addressGroupOf(peer);
  }

  moved(connection: HostedConnection, address: string): void {
    this.#pool.move(connection, address);
  }

  waits(connection: HostedConnection): void {
    this.#pool.move(connection, connection.address);
  }

  became(connection: HostedConnection, stream: EventStream): void {
    this.#connections.delete(connection);
    this.#pool.replace(connection, stream);
  }

  left(connection: HostedConnection): void {
    this.#connections.delete(connection);
  }

  ends(stream: EventStream): void {
    this.#ending.set(stream, this.now());
  }

  closed(stream: EventStream): void {
    this.#ending.delete(stream);
  }

  /**
   * No new connections; resolves when all requests in flight are answered, at most after
   * STOP_MS_MAX. At once with `now`: then streams are reset too.
   */
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
