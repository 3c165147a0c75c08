/** The options of a run, their defaults, and their validation. */
import {
  CONNECTIONS_PER_PROCESS_MAX,
  DURATION_SECONDS_MAX,
  PAYLOAD_BYTES_MAX,
  PROCESSES_MAX,
} from "./limits.ts";
import { targetNamed } from "./targets/mod.ts";

export interface LoadOptions {
  /** The server, `http:` only: the reader works on plain sockets. */
  readonly url: string;
  /** Where to publish, if elsewhere. */
  readonly publishUrl: string;
  readonly target: string;
  readonly connections: number;
  readonly topics: number;
  /** The prefix of topic names; a number follows. */
  readonly topicPrefix: string;
  readonly topicsPerConnection: number;
  /** Published events per second, over all topics and publishers. 0: nothing is published. */
  readonly rate: number;
  readonly publishers: number;
  /** Events in one request at most; 0: as many as the target takes. */
  readonly batch: number;
  /** How long to publish and measure, s. */
  readonly duration: number;
  /** Publishing before the measurement starts, s: checked like the rest, not timed. */
  readonly warmup: number;
  /** Time over which connections are opened, s. 0: as fast as they are accepted. */
  readonly ramp: number;
  /** How long to wait at the end for events in flight, s. */
  readonly settle: number;
  /** Bytes of filler beside the mark in each event. */
  readonly size: number;
  readonly durable: boolean;
  /** Connections accept zstd. */
  readonly zstd: boolean;
  /** For publishing. */
  readonly token: string | undefined;
  /** For connecting, where the topics are not public. */
  readonly connectToken: string | undefined;
  /** Reader processes; 0: as many as the connections need. */
  readonly processes: number;
  /** Connections beside the others that never read. */
  readonly slow: number;
  /** Cut all connections at once, this long after the measurement started, s. */
  readonly cutAt: number | undefined;
  /** Time over which they return, s. */
  readonly cutSpread: number;
  readonly connectPath: string | undefined;
  readonly publishPath: string | undefined;
  /** Allow a server that is not on this machine. */
  readonly remote: boolean;
}

export const LOAD_DEFAULTS: LoadOptions = {
  url: "http://127.0.0.1:8080",
  publishUrl: "",
  target: "ovation",
  connections: 1000,
  topics: 1,
  topicPrefix: "video:load-",
  topicsPerConnection: 1,
  rate: 10,
  publishers: 1,
  batch: 0,
  duration: 10,
  warmup: 1,
  ramp: 0,
  settle: 5,
  size: 100,
  durable: false,
  zstd: false,
  token: undefined,
  connectToken: undefined,
  processes: 0,
  slow: 0,
  cutAt: undefined,
  cutSpread: 10,
  connectPath: undefined,
  publishPath: undefined,
  remote: false,
};

/** An error that the user can fix: printed without a stack. */
export class LoadError extends Error {}

/** Fills in defaults and rejects invalid options. Throws {@link LoadError}. */
export function completeOptions(given: Partial<LoadOptions>): LoadOptions {
  const options = { ...LOAD_DEFAULTS, ...given };
  const url = checkUrl(options.url, options.remote);
  const publishUrl = options.publishUrl === "" ? url : checkUrl(options.publishUrl, options.remote);

  within("connections", options.connections, 1, PROCESSES_MAX * CONNECTIONS_PER_PROCESS_MAX, true);
  within("slow", options.slow, 0, CONNECTIONS_PER_PROCESS_MAX, true);
  within("topics", options.topics, 1, 1_000_000, true);
  within("topics-per-connection", options.topicsPerConnection, 1, options.topics, true);
  within("publishers", options.publishers, 1, 256, true);
  within("rate", options.rate, 0, 1_000_000, false);
  within("batch", options.batch, 0, 10_000, true);
  within("duration", options.duration, 0.1, DURATION_SECONDS_MAX, false);
  within("warmup", options.warmup, 0, 3600, false);
  within("ramp", options.ramp, 0, 3600, false);
  within("settle", options.settle, 0, 600, false);
  within("size", options.size, 0, PAYLOAD_BYTES_MAX, true);
  within("processes", options.processes, 0, PROCESSES_MAX, true);
  within("cut-spread", options.cutSpread, 0, 3600, false);
  if (options.cutAt !== undefined) within("cut-at", options.cutAt, 0, options.duration, false);
  try {
    targetNamed(options.target);
  } catch (error) {
    throw new LoadError(`--target: ${error instanceof Error ? error.message : String(error)}`);
  }

  const needed = Math.ceil((options.connections + options.slow) / CONNECTIONS_PER_PROCESS_MAX);
  if (options.processes !== 0 && options.processes < needed) {
    throw new LoadError(`--processes: ${options.connections} connections need at least ${needed}`);
  }
  return {
    ...options,
    url,
    publishUrl,
    processes: options.processes === 0 ? needed : options.processes,
  };
}

/** Loopback: the whole of 127.0.0.0/8, `::1`, `localhost`. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname === "[::1]" ||
    /^127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}$/.test(hostname)
  );
}

function checkUrl(text: string, remote: boolean): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new LoadError(`--url: "${text}" is no address`);
  }
  if (url.protocol !== "http:")
    throw new LoadError("--url: http: only; measure TLS where it ends, behind it");
  if (!isLoopback(url.hostname) && !remote) {
    throw new LoadError(
      `--url: ${url.hostname} is another machine; load another operator's server only ` +
        "with their leave, and then --yes-remote",
    );
  }
  if (url.search !== "" || url.hash !== "")
    throw new LoadError("--url: the server's address ends before ? and #");
  return url.origin + url.pathname.replace(/\/+$/, "");
}

function within(name: string, value: number, least: number, most: number, whole: boolean): void {
  if (!(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
    throw new LoadError(`--${name}: ${whole ? "a whole number " : ""}from ${least} to ${most}`);
  }
}
