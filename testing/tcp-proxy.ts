/**
 * A TCP proxy that makes a local connection a bad one: far away, slow, cut, or cut in one
 * direction. For tests and for the local cluster command, where the kernel has no `tc netem`.
 *
 * Bytes keep their order. Delay is per chunk and direction: a chunk leaves `delayMs` (and up to
 * `jitterMs` more) after it came, and never before the one ahead of it. What a direction carries
 * in a second is shared by all connections, first come, first served, as on a line.
 */

import { connect, createServer, type Server, type Socket } from "node:net";

export interface LinkConditions {
  /** One way, ms. There and back takes twice that. */
  readonly delayMs: number;
  /** Up to so much more, drawn for each chunk. */
  readonly jitterMs: number;
  /** Bytes per second and direction, shared by all connections; 0 for no bound. */
  readonly bytesPerSecond: number;
}

export interface TcpProxy {
  readonly port: number;
  /** Connections that are open. */
  readonly connections: number;
  /** Bytes that went through, there (to the target) and back. */
  readonly bytes: { readonly there: number; readonly back: number };
  set(conditions: Partial<LinkConditions>): void;
  /** Resets every connection and refuses new ones, until `heal`. */
  cut(): void;
  /**
   * Connections stay, but nothing goes through in this direction: what a broken route looks like.
   * New ones are accepted and silent.
   */
  halfCut(direction: "there" | "back" | "both"): void;
  /**
   * The target's side of every connection is reset; the caller's side stays open and is never
   * answered. New connections are accepted and silent.
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

/**
 * One direction of a line. Where several proxies are given the same one, they share what it
 * carries.
 */
export interface LineDirection {
  /** When it has sent all that it was given. */
  freeAt: number;
}

export function createLineDirection(): LineDirection {
  return { freeAt: 0 };
}

export interface TcpProxyOptions extends Partial<LinkConditions> {
  readonly target: { readonly host?: string; readonly port: number };
  /** Default: any free one. */
  readonly port?: number;
  /** Default: a line of its own. */
  readonly line?: { readonly there: LineDirection; readonly back: LineDirection };
  random?(): number;
}

/**
 * What one direction of one connection may hold; beyond it the sender is paused, as a full
 * network does.
 */
const HELD_BYTES_MAX = 4 * 1024 * 1024;

export async function startTcpProxy(options: TcpProxyOptions): Promise<TcpProxy> {
  const random = options.random ?? Math.random;
  let conditions: LinkConditions = {
    delayMs: options.delayMs ?? 0,
    jitterMs: options.jitterMs ?? 0,
    bytesPerSecond: options.bytesPerSecond ?? 0,
  };
  const line = options.line ?? { there: createLineDirection(), back: createLineDirection() };
  let isCut = false;
  let isHalfOpen = false;
  const halves = { there: false, back: false };
  const bytes = { there: 0, back: 0 };
  const pairs = new Set<Pair>();
  /** Callers' sides whose other side is gone. */
  const orphans = new Set<Socket>();

  interface Pair {
    readonly near: Socket;
    readonly far: Socket;
    resume(): void;
  }

  /**
   * Passes what `from` sends to `to`, late. Answers a function that looks again whether something
   * may go.
   */
  function pipe(from: Socket, to: Socket, direction: "there" | "back"): () => void {
    const held: { readonly chunk: Buffer | undefined; readonly due: number }[] = [];
    let heldBytes = 0;
    let lastDue = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;

    function hold(chunk: Buffer | undefined): void {
      const { delayMs, jitterMs, bytesPerSecond } = conditions;
      const now = performance.now();
      const isBounded = bytesPerSecond > 0 && chunk !== undefined;
      const sentAt = isBounded
        ? Math.max(now, line[direction].freeAt) + (chunk.length / bytesPerSecond) * 1000
        : now;
      if (isBounded) line[direction].freeAt = sentAt;
      lastDue = Math.max(lastDue, sentAt + delayMs + random() * jitterMs);
      held.push({ chunk, due: lastDue });
      heldBytes += chunk?.length ?? 0;
      if (heldBytes > HELD_BYTES_MAX) from.pause();
      pump();
    }

    function pump(): void {
      clearTimeout(timer);
      if (halves[direction]) return;
      for (;;) {
        const [first] = held;
        if (first === undefined) break;
        const wait = first.due - performance.now();
        if (wait > 0.5) {
          timer = setTimeout(pump, wait);
          return;
        }
        held.shift();
        if (first.chunk === undefined) to.end();
        else {
          heldBytes -= first.chunk.length;
          bytes[direction] += first.chunk.length;
          to.write(first.chunk);
        }
      }
      if (heldBytes <= HELD_BYTES_MAX && from.isPaused()) from.resume();
    }

    from.on("data", hold);
    from.on("end", () => hold(undefined));
    from.on("close", () => clearTimeout(timer));
    return pump;
  }

  function accept(near: Socket): void {
    if (isCut) {
      near.resetAndDestroy();
      return;
    }
    if (isHalfOpen) {
      near.on("error", () => undefined);
      orphan(near);
      return;
    }
    const far = connect({
      host: options.target.host ?? "127.0.0.1",
      port: options.target.port,
      allowHalfOpen: true,
    });
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      // The close that follows says it all.
      socket.on("error", () => undefined);
    }
    const resumeThere = pipe(near, far, "there");
    const resumeBack = pipe(far, near, "back");
    const pair: Pair = {
      near,
      far,
      resume() {
        resumeThere();
        resumeBack();
      },
    };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      if (!orphans.has(near)) near.destroy();
      far.destroy();
    };
    near.on("close", end);
    far.on("close", (hadError) => {
      if (hadError && !orphans.has(near)) near.resetAndDestroy();
      end();
    });
  }

  /** Reads what the caller sends, and drops it. */
  function orphan(near: Socket): void {
    orphans.add(near);
    near.on("close", () => orphans.delete(near));
    near.on("end", () => near.destroy());
    near.resume();
  }

  function resetOrphans(): void {
    for (const near of orphans) near.resetAndDestroy();
    orphans.clear();
  }

  function reset(): void {
    resetOrphans();
    for (const { near, far } of pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
    pairs.clear();
  }

  const server: Server = createServer({ allowHalfOpen: true }, accept);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const address = server.address();

  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    get connections() {
      return pairs.size;
    },
    bytes,
    set(changed) {
      conditions = { ...conditions, ...changed };
    },
    cut() {
      isCut = true;
      reset();
    },
    halfCut(direction) {
      if (direction !== "back") halves.there = true;
      if (direction !== "there") halves.back = true;
    },
    halfOpen() {
      isHalfOpen = true;
      for (const { near, far } of pairs) {
        for (const socket of [near, far]) socket.removeAllListeners("data");
        for (const socket of [near, far]) socket.removeAllListeners("end");
        orphan(near);
        far.resetAndDestroy();
      }
      pairs.clear();
    },
    heal() {
      isCut = false;
      isHalfOpen = false;
      resetOrphans();
      halves.there = false;
      halves.back = false;
      for (const pair of pairs) pair.resume();
    },
    reset,
    async stop() {
      reset();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
