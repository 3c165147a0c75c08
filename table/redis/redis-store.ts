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
import { Cluster, Redis } from "ioredis";
import { TableUnavailableError } from "../subscription-table.ts";
import { createRedisClient, type RedisClient, reconnectDelay } from "./redis-client.ts";
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
  readonly client: RedisClient;
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

/** Connects in the background: until the store is reached, every call rejects. */
export function openRedisStore(options: RedisStoreOptions): RedisStore {
  return new ConnectedStore(options);
}

class ConnectedStore implements RedisStore {
  readonly client: RedisClient;
  readonly prefix: string;
  readonly #address: StoreUrl;
  readonly #timeoutMs: number;
  readonly #onState: RedisStoreOptions["onState"];
  #commandsInFlight = 0;
  #isClosed = false;
  #state: "connected" | "lost" | undefined;
  #lastError = NOT_YET;
  /** Set for good where the URL asks for what the server does not have. */
  #hopeless: string | undefined;

  constructor(options: RedisStoreOptions) {
    this.#address = parseStoreUrl(options.url);
    this.#timeoutMs = options.timeoutMs ?? STORE_TIMEOUT_MS;
    this.#onState = options.onState;
    this.prefix = options.prefix ?? "o";
    this.client = createRedisClient(this.#address, this.#timeoutMs);
    this.#listen();
  }

  async run<T>(what: string, commands: number, issue: () => Promise<T>): Promise<T> {
    const end = performance.now() + this.#timeoutMs;
    for (;;) {
      if (this.#hopeless !== undefined) throw this.#unavailable(what, this.#hopeless);
      const inFlight = this.#commandsInFlight;
      if (inFlight > 0 && inFlight + commands > STORE_COMMANDS_MAX)
        throw this.#unavailable(what, "too many commands in flight");
      this.#commandsInFlight += commands;
      const running = issue().finally(() => {
        this.#commandsInFlight -= commands;
      });
      try {
        return await withDeadline(running, end, () =>
          this.#failed(what, `no answer in ${this.#timeoutMs} ms`),
        );
      } catch (error) {
        if (error instanceof TableUnavailableError) throw error;
        const message = error instanceof Error ? error.message : String(error);
        if (!isPassing(message) || performance.now() + RETRY_MS >= end)
          throw this.#failed(what, message);
        // ioredis follows a redirect of a single command, and not of one of several in a pipeline.
        if (this.client instanceof Cluster && isMoved(message)) this.client.refreshSlotsCache();
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async evaluate(
    { text, sha }: Script,
    keys: readonly string[],
    values: readonly (string | number)[],
  ): Promise<unknown> {
    try {
      return await this.client.evalsha(sha, keys.length, ...keys, ...values);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return this.client.eval(text, keys.length, ...keys, ...values);
    }
  }

  masters(): readonly { readonly node: Redis; readonly slot: number }[] {
    if (this.client instanceof Redis) return [{ node: this.client, slot: 0 }];
    const firstSlots = new Map<string, number>();
    for (const [slot, owners] of this.client.slots.entries()) {
      const owner = owners?.[0];
      if (owner !== undefined && !firstSlots.has(owner)) firstSlots.set(owner, slot);
    }
    const found: { node: Redis; slot: number }[] = [];
    for (const node of this.client.nodes("master")) {
      const slot = firstSlots.get(`${node.options.host}:${node.options.port}`);
      if (slot !== undefined) found.push({ node, slot });
    }
    return found;
  }

  nodeOf(key: string): string {
    return this.client instanceof Redis ? "" : (this.client.slots[slotOf(key)]?.[0] ?? "");
  }

  async ping(): Promise<void> {
    await this.run("ping", 1, () => this.client.set(`${this.prefix}:ping`, "1", "PX", PING_MS));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.client.disconnect();
  }

  #listen(): void {
    // Without a listener ioredis prints to the console. Callers get their errors as rejections.
    this.client.on("error", (error: Error & { readonly lastNodeError?: Error }) => {
      // A Cluster's client says only that no node answered, with the last node's error beside it.
      const { message } = error.lastNodeError ?? error;
      this.#lastError = explainStoreError(message, this.#address);
      if (isHopeless(this.#lastError)) this.#hopeless = this.#lastError;
      this.#enter("lost", this.#lastError);
    });
    this.client.on("close", () =>
      this.#enter("lost", this.#lastError === NOT_YET ? CLOSED_AT_ONCE : this.#lastError),
    );
    // ioredis falls back to database 0 where the requested one does not exist: perhaps another
    // application's.
    this.client.on("ready", () => {
      if (this.#hopeless === undefined) this.#enter("connected", "ready");
    });
    // ioredis 6.0.0 gives up for good when a Sentinel announces a new master during a connect (the
    // announcement ends the attempt, which counts as closed by the user). Only `close` may end a
    // store.
    this.client.on("end", () => this.#restart());
  }

  #restart(): void {
    if (this.#isClosed) return;
    setTimeout(() => {
      if (!this.#isClosed && this.client.status === "end")
        this.client.connect().catch((error: Error) => this.#enter("lost", error.message));
    }, reconnectDelay(1));
  }

  #enter(next: "connected" | "lost", detail: string): void {
    if (next === this.#state) return;
    this.#state = next;
    this.#onState?.(next, `${this.#address.shown}: ${detail}`);
  }

  /** Where there is no connection, the error that ended it says more than that of the call. */
  #failed(what: string, message: string): TableUnavailableError {
    return this.#unavailable(
      what,
      this.#state !== "connected" && isNotConnected(message)
        ? this.#lastError
        : explainStoreError(message, this.#address),
    );
  }

  #unavailable(what: string, why: string): TableUnavailableError {
    return new TableUnavailableError(`${what} at ${this.#address.shown}: ${why}`);
  }
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
