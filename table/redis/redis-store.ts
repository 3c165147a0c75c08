/**
 * One connection to the data centre's store (Redis or Valkey: single, Sentinel, Cluster), shared by
 * the table, the shared store and the viewer counts.
 *
 * Every call has a deadline ({@link STORE_TIMEOUT_MS}), within which it is retried through a
 * failover; all calls are idempotent. Commands in flight are counted and bounded, there is no
 * offline queue, and the connection to a server that does not answer (stopped, cut off) is closed,
 * so that what waits in it fails too. At the end of the deadline the call rejects with
 * TableUnavailableError.
 */

import { createHash } from "node:crypto";
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { TableUnavailableError } from "../subscription-table.ts";
import {
  explainStoreError,
  isHopeless,
  isMoved,
  isNotConnected,
  isPassing,
} from "./redis-errors.ts";
import { slotOf } from "./redis-slots.ts";
import { parseStoreUrl, type StoreUrl } from "./redis-url.ts";

export const STORE_TIMEOUT_MS = 1000;
/** Commands in flight of one process. */
export const STORE_COMMANDS_MAX = 100_000;
/** The longest backoff between two attempts to connect. */
export const RECONNECT_MS_MAX = 1000;
const RECONNECT_MS_MIN = 20;
const RETRY_MS = 25;
/** How long the key of a ping lives. */
const PING_MS = 10_000;
const NOT_YET = "not connected yet";
const CLOSED_AT_ONCE =
  "it closes every connection at once: check that host and port of --table are those of Redis";

export interface RedisStoreOptions {
  /** See `redis-url.ts`. */
  readonly url: string;
  /** Keys start with it: several installations can share a server. */
  readonly prefix?: string;
  readonly timeoutMs?: number;
  /** Called when the store is reached or lost, for the log. `detail` contains no password. */
  onState?(state: "connected" | "lost", detail: string): void;
}

/**
 * A Lua script with its hash. Scripts are idempotent: `run` may repeat what a late call already
 * did.
 */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

export function script(text: string): Script {
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

export interface RedisStore {
  readonly client: Redis | Cluster;
  readonly prefix: string;
  /**
   * Runs `issue`, which sends `commands` commands in one tick (one pipeline per node), and retries
   * where the store is failing over. Rejects with TableUnavailableError.
   */
  run<T>(what: string, commands: number, issue: () => Promise<T>): Promise<T>;
  /** One script call; for use inside `run`. */
  evaluate(
    script: Script,
    keys: readonly string[],
    values: readonly (string | number)[],
  ): Promise<unknown>;
  /**
   * The nodes that hold keys, each with the first slot that it owns (single and Sentinel: one, slot
   * 0).
   */
  masters(): readonly { readonly node: Redis; readonly slot: number }[];
  /**
   * Names the node that holds a key, as far as is known here: calls to one node can fail without
   * the others.
   */
  nodeOf(key: string): string;
  /**
   * Rejects with TableUnavailableError where the store does not answer, or accepts no writes: for
   * `readyz`.
   */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export function openRedisStore(options: RedisStoreOptions): RedisStore {
  const address = parseStoreUrl(options.url);
  const timeoutMs = options.timeoutMs ?? STORE_TIMEOUT_MS;
  const prefix = options.prefix ?? "o";
  const client = connect(address, timeoutMs);
  let underWay = 0;
  let closed = false;
  let state: "connected" | "lost" | undefined;
  let lastError = NOT_YET;
  /** Set for good where the URL asks for what the server does not have. */
  let hopeless: string | undefined;

  function enter(next: "connected" | "lost", detail: string): void {
    if (next === state) return;
    state = next;
    options.onState?.(next, `${address.shown}: ${detail}`);
  }
  // Without a listener ioredis prints to the console. Callers get their errors as rejections.
  client.on("error", (error: Error & { readonly lastNodeError?: Error }) => {
    // A Cluster's client says only that no node answered; the last node's error is kept beside it.
    lastError = explainStoreError(error.lastNodeError?.message ?? error.message, address);
    if (isHopeless(lastError)) hopeless = lastError;
    enter("lost", lastError);
  });
  client.on("close", () => enter("lost", lastError === NOT_YET ? CLOSED_AT_ONCE : lastError));
  // ioredis falls back to database 0 where the requested one does not exist: perhaps another
  // application's.
  client.on("ready", () => hopeless === undefined && enter("connected", "ready"));
  // ioredis 6.0.0 gives up for good when a Sentinel announces a new master during a connect (the
  // announcement ends the attempt, which counts as closed by the user). Only `close` may end a
  // store.
  client.on("end", restart);

  function restart(): void {
    if (closed) return;
    setTimeout(() => {
      if (!closed && client.status === "end")
        client.connect().catch((error: Error) => enter("lost", error.message));
    }, reconnectDelay(1));
  }

  async function attempt<T>(what: string, commands: number, issue: () => Promise<T>): Promise<T> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      if (hopeless !== undefined) throw unavailable(what, hopeless);
      if (underWay > 0 && underWay + commands > STORE_COMMANDS_MAX)
        throw unavailable(what, "too many commands in flight");
      underWay += commands;
      const running = issue().finally(() => {
        underWay -= commands;
      });
      try {
        return await withDeadline(running, end, () => failed(what, `no answer in ${timeoutMs} ms`));
      } catch (error) {
        if (error instanceof TableUnavailableError) throw error;
        const message = error instanceof Error ? error.message : String(error);
        if (!isPassing(message) || performance.now() + RETRY_MS >= end) throw failed(what, message);
        // ioredis follows a redirect of a single command, and not of one of several in a pipeline.
        if (client instanceof Cluster && isMoved(message)) client.refreshSlotsCache();
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** Where there is no connection, the error that ended it says more than that of the call. */
  function failed(what: string, message: string): TableUnavailableError {
    return unavailable(
      what,
      state !== "connected" && isNotConnected(message)
        ? lastError
        : explainStoreError(message, address),
    );
  }

  function unavailable(what: string, why: string): TableUnavailableError {
    return new TableUnavailableError(`${what} at ${address.shown}: ${why}`);
  }

  async function evaluate(
    { text, sha }: Script,
    keys: readonly string[],
    values: readonly (string | number)[],
  ): Promise<unknown> {
    try {
      return await client.evalsha(sha, keys.length, ...keys, ...values);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return client.eval(text, keys.length, ...keys, ...values);
    }
  }

  function masters(): { node: Redis; slot: number }[] {
    if (client instanceof Redis) return [{ node: client, slot: 0 }];
    const firstSlots = new Map<string, number>();
    for (const [slot, owners] of client.slots.entries()) {
      const owner = owners?.[0];
      if (owner !== undefined && !firstSlots.has(owner)) firstSlots.set(owner, slot);
    }
    const found: { node: Redis; slot: number }[] = [];
    for (const node of client.nodes("master")) {
      const slot = firstSlots.get(`${node.options.host}:${node.options.port}`);
      if (slot !== undefined) found.push({ node, slot });
    }
    return found;
  }

  return {
    client,
    prefix,
    run: attempt,
    evaluate,
    masters,
    nodeOf: (key) => (client instanceof Redis ? "" : (client.slots[slotOf(key)]?.[0] ?? "")),
    async ping() {
      await attempt("ping", 1, () => client.set(`${prefix}:ping`, "1", "PX", PING_MS));
    },
    async close() {
      closed = true;
      client.disconnect();
    },
  };
}

async function withDeadline<T>(running: Promise<T>, end: number, late: () => Error): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.max(0, end - performance.now()));
  });
  try {
    return await Promise.race([running, deadline]);
  } finally {
    clearTimeout(timer);
    // After the deadline no caller waits for it, and its failure is no news.
    running.catch(() => undefined);
  }
}

function connect(address: StoreUrl, timeoutMs: number): Redis | Cluster {
  const common = {
    connectTimeout: timeoutMs,
    // A stopped server keeps its connection open for ever: this closes it, and what waits in it
    // fails.
    socketTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    disableClientInfo: true,
    connectionName: "ovation",
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.tls ? { tls: {} } : {}),
  } satisfies RedisOptions;
  // After a failover the old master may return as a replica at the same endpoint.
  const reconnectOnError = (error: Error) => error.message.startsWith("READONLY");
  const [first] = address.hosts;
  if (first === undefined) throw new Error("the table's address names no host");
  switch (address.kind) {
    case "single":
      return new Redis({
        ...common,
        ...first,
        db: address.database,
        retryStrategy: reconnectDelay,
        reconnectOnError,
      });
    case "sentinel":
      return new Redis({
        ...common,
        sentinels: address.hosts.map((host) => ({ ...host })),
        name: address.name ?? "",
        db: address.database,
        enableTLSForSentinelMode: address.tls,
        retryStrategy: reconnectDelay,
        sentinelRetryStrategy: reconnectDelay,
        sentinelCommandTimeout: timeoutMs,
        // When the Sentinels announce a new master, the connection to the old one is dropped though
        // it still answers.
        failoverDetector: true,
        reconnectOnError,
      });
    case "cluster": {
      const { enableOfflineQueue: _, ...redisOptions } = common;
      return new Cluster([...address.hosts], {
        redisOptions,
        enableAutoPipelining: true,
        enableOfflineQueue: false,
        clusterRetryStrategy: reconnectDelay,
        slotsRefreshTimeout: timeoutMs,
        slotsRefreshInterval: 2000,
        // How often ioredis itself follows a MOVED; longer chains are retried by `run`.
        maxRedirections: 4,
      });
    }
  }
}

/** Full jitter, so that clients do not all reconnect to a returning store at once. */
export function reconnectDelay(times: number): number {
  const spread = Math.min(RECONNECT_MS_MAX - RECONNECT_MS_MIN, 50 * 2 ** Math.min(times, 10));
  return RECONNECT_MS_MIN + Math.random() * spread;
}
