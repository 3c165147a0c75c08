/**
 * A TCP proxy that makes a local connection a bad one: far away, slow, cut, or cut in one
 * direction. For tests and for the local cluster command, where the kernel has no `tc netem`.
 * `delayed-pipe.ts` delays bytes; all connections share the bandwidth of a direction.
 */

import { connect, createServer, type Server, type Socket } from "node:net";
import {
  createLineDirection,
  DelayedPipe,
  type Direction,
  type LineDirection,
  type LinkConditions,
  type PipeLine,
} from "./delayed-pipe.ts";

export type { LineDirection, LinkConditions } from "./delayed-pipe.ts";
export { createLineDirection } from "./delayed-pipe.ts";

export interface TcpProxy {
  readonly port: number;
  /** Connections that are open. */
  readonly connections: number;
  /** Bytes that passed, there (to the target) and back. */
  readonly bytes: { readonly there: number; readonly back: number };
  set(conditions: Partial<LinkConditions>): void;
  /** Resets every connection and refuses new ones, until `heal`. */
  cut(): void;
  /**
   * Connections stay open, but nothing passes in this direction, as with a broken route. New ones
   * are accepted and silent.
   */
  halfCut(direction: "there" | "back" | "both"): void;
  /**
   * The target's side of every connection is reset; the caller's side stays open and silent. New
   * connections are accepted and silent.
   */
  halfOpen(): void;
  /**
   * Ends `cut`, `halfCut` and `halfOpen`. Bytes held in a half-cut are sent; connections that were
   * left half-open are reset.
   */
  heal(): void;
  /** Resets the connections that are open now. */
  reset(): void;
  stop(): Promise<void>;
}

export interface TcpProxyOptions extends Partial<LinkConditions> {
  readonly target: { readonly host?: string; readonly port: number };
  /** Default: any free one. */
  readonly port?: number;
  /** Default: a line of its own. */
  readonly line?: { readonly there: LineDirection; readonly back: LineDirection };
  random?(): number;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  readonly pipes: readonly DelayedPipe[];
}

export async function startTcpProxy(options: TcpProxyOptions): Promise<TcpProxy> {
  const proxy = new LocalTcpProxy(options);
  await proxy.listen(options.port ?? 0);
  return proxy;
}

class LocalTcpProxy implements TcpProxy {
  readonly bytes = { there: 0, back: 0 };
  readonly #target: TcpProxyOptions["target"];
  readonly #line: Readonly<Record<Direction, LineDirection>>;
  readonly #random: () => number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  /** Sockets of callers whose connection to the target was reset. */
  readonly #orphans = new Set<Socket>();
  readonly #halfCuts = { there: false, back: false };
  #conditions: LinkConditions;
  #port = 0;
  #isCut = false;
  #isHalfOpen = false;

  constructor({ target, line, random, delayMs, jitterMs, bytesPerSecond }: TcpProxyOptions) {
    this.#target = target;
    this.#line = line ?? { there: createLineDirection(), back: createLineDirection() };
    this.#random = random ?? Math.random;
    this.#conditions = {
      delayMs: delayMs ?? 0,
      jitterMs: jitterMs ?? 0,
      bytesPerSecond: bytesPerSecond ?? 0,
    };
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#accept(near));
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", resolve);
    });
    const address = this.#server.address();
    this.#port = typeof address === "object" && address !== null ? address.port : 0;
  }

  set(conditions: Partial<LinkConditions>): void {
    this.#conditions = { ...this.#conditions, ...conditions };
  }

  cut(): void {
    this.#isCut = true;
    this.reset();
  }

  halfCut(direction: Direction | "both"): void {
    if (direction !== "back") this.#halfCuts.there = true;
    if (direction !== "there") this.#halfCuts.back = true;
  }

  halfOpen(): void {
    this.#isHalfOpen = true;
    for (const { near, far } of this.#pairs) {
      for (const socket of [near, far]) socket.removeAllListeners("data");
      for (const socket of [near, far]) socket.removeAllListeners("end");
      this.#orphan(near);
      far.resetAndDestroy();
    }
    this.#pairs.clear();
  }

  heal(): void {
    this.#isCut = false;
    this.#isHalfOpen = false;
    this.#resetOrphans();
    this.#halfCuts.there = false;
    this.#halfCuts.back = false;
    for (const { pipes } of this.#pairs) for (const pipe of pipes) pipe.pump();
  }

  reset(): void {
    this.#resetOrphans();
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
    this.#pairs.clear();
  }

  async stop(): Promise<void> {
    this.reset();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(near: Socket): void {
    if (this.#isCut) {
      near.resetAndDestroy();
      return;
    }
    if (this.#isHalfOpen) {
      near.on("error", () => undefined);
      this.#orphan(near);
      return;
    }
    const { host = "127.0.0.1", port } = this.#target;
    this.#join(near, connect({ host, port, allowHalfOpen: true }));
  }

  #join(near: Socket, far: Socket): void {
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      // `close` follows and is handled.
      socket.on("error", () => undefined);
    }
    const there = new DelayedPipe(near, far, this.#lineOf("there"));
    const back = new DelayedPipe(far, near, this.#lineOf("back"));
    const pair: Pair = { near, far, pipes: [there, back] };
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      if (!this.#orphans.has(near)) near.destroy();
      far.destroy();
    };
    near.on("close", end);
    far.on("close", (hadError) => {
      if (hadError && !this.#orphans.has(near)) near.resetAndDestroy();
      end();
    });
  }

  #lineOf(direction: Direction): PipeLine {
    const conditions = () => this.#conditions;
    const isCut = () => this.#halfCuts[direction];
    return {
      line: this.#line[direction],
      random: this.#random,
      get conditions() {
        return conditions();
      },
      get isCut() {
        return isCut();
      },
      onSent: (bytes) => {
        this.bytes[direction] += bytes;
      },
    };
  }

  /** Reads and discards what the caller sends. */
  #orphan(near: Socket): void {
    this.#orphans.add(near);
    near.on("close", () => this.#orphans.delete(near));
    near.on("end", () => near.destroy());
    near.resume();
  }

  #resetOrphans(): void {
    for (const near of this.#orphans) near.resetAndDestroy();
    this.#orphans.clear();
  }
}
