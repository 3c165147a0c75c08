/**
 * A viewer's path to a frontend: through a load balancer, over a socket, and with separate
 * requests.
 */

import { zstdDecompressSync } from "node:zlib";
import { type Message, Problem, parseConnectionId } from "@ovation/protocol";
import { WireChecker } from "./checkers/wire-checker.ts";
import type { Cluster } from "./cluster.ts";
import type { Node } from "./node.ts";
import type { ChangeRequest, ConnectRequest } from "./processes/frontend-process.ts";
import { Socket } from "./socket.ts";
import { StreamReader } from "./stream-reader.ts";
import type { World } from "./world.ts";

export interface StreamCallbacks {
  onMessage(message: Message): void;
  onAlive(): void;
  onRetry(ms: number): void;
  onEnd(kind: "ended" | "lost"): void;
  onRefused(problem: Problem): void;
}

/** The timeout of a connect without a response. */
const CONNECT_FAILS_MS = 4000;
const REQUEST_TIMEOUT_MS = 5000;
const ZSTD_BYTES_PER_WRITE = 300;

/** One connection at a frontend that the load balancer chooses, from connect to end. */
export class Stream {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #viewer: Node;
  readonly #request: ConnectRequest;
  readonly #callbacks: StreamCallbacks;
  readonly #cancelTimeout: () => void;
  #socket: Socket | undefined;
  /** At the viewer's end. */
  #closed = false;

  constructor(
    world: World,
    cluster: Cluster,
    viewer: Node,
    request: ConnectRequest,
    callbacks: StreamCallbacks,
  ) {
    this.#world = world;
    this.#cluster = cluster;
    this.#viewer = viewer;
    this.#request = request;
    this.#callbacks = callbacks;
    const { network } = world;
    const lost = () => this.#lost();
    this.#cancelTimeout = viewer.after(CONNECT_FAILS_MS, lost);
    const place = cluster.balance(viewer.place.datacenter);
    if (place === undefined) viewer.after(network.delay(viewer.place, viewer.place), lost);
    else network.send(viewer, place, (there) => this.#accept(there), lost);
  }

  /** Present once the frontend accepted the connection. */
  get socket(): Socket | undefined {
    return this.#socket;
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimeout();
    this.#socket?.leave();
  }

  /** No response to the connect. */
  #lost(): void {
    if (!this.#closed && this.#socket === undefined) this.#end("lost");
  }

  #end(kind: "ended" | "lost"): void {
    this.#closed = true;
    this.#cancelTimeout();
    this.#callbacks.onEnd(kind);
  }

  #refused(problem: Problem): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTimeout();
    this.#callbacks.onRefused(problem);
  }

  /** In the process `there`, at the server's end. */
  #accept(there: Node): void {
    const process = this.#cluster.processAt(there);
    if (process === undefined) return;
    try {
      process.connect(this.#request, (held, gone) => {
        const wire = new WireChecker(this.#world, this.#viewer.place.name);
        const socket = this.#open(there, wire, gone);
        this.#socket = socket;
        this.#cluster.sockets.add(socket);
        if (this.#closed) socket.leave();
        held(socket, wire);
        return socket;
      });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#world.network.send(there, this.#viewer.place, () => this.#refused(error));
    }
  }

  #open(server: Node, wire: WireChecker, onGone: () => void): Socket {
    const { timeline, network, settings, trace } = this.#world;
    const { zstd, unnamed, parameter, header } = this.#request;
    const reader = new StreamReader({
      world: this.#world,
      wire,
      returned: (parameter ?? header ?? "") !== "",
      unnamed,
      onMessage: (message) => !this.#closed && this.#callbacks.onMessage(message),
      onRetry: (ms) => this.#callbacks.onRetry(ms),
    });
    return new Socket({
      timeline,
      network,
      server,
      viewer: this.#viewer,
      windowBytes: settings.windowBytes,
      bytesPerWrite: zstd ? ZSTD_BYTES_PER_WRITE : undefined,
      onBytes: (bytes, step) => {
        if (this.#closed) return;
        this.#cancelTimeout();
        this.#callbacks.onAlive();
        reader.feed(zstd ? zstdDecompressSync(bytes) : bytes, step);
      },
      onEnd: (kind) => {
        if (this.#closed) return;
        trace.note(this.#viewer.place.name, () => `stream ${kind}`);
        this.#end(kind);
      },
      onGone,
    });
  }
}

/** A request to any frontend: returns its status and body. Rejects where none comes. */
export async function changeSubscriptions(
  world: World,
  cluster: Cluster,
  viewer: Node,
  change: ChangeRequest,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const place = cluster.balance(viewer.place.datacenter);
  if (place === undefined) throw new TypeError("no frontend");
  try {
    const body = await world.network.call(viewer, place, REQUEST_TIMEOUT_MS, async (there) => {
      const connection = parseConnectionId(change.connection);
      const process = cluster.processAt(there);
      if (process === undefined) throw new Problem("bad-gateway");
      if (connection === undefined) throw new Problem("unknown-connection");
      try {
        return await process.change(change, connection);
      } catch (error) {
        // As `ovation/listener/listener.ts` answers an error that is no Problem.
        throw error instanceof Problem ? error : new Problem("internal-error", String(error));
      }
    });
    return { status: 200, body };
  } catch (error) {
    if (error instanceof Problem) return { status: error.status, body: error.toBody() };
    throw error;
  }
}
