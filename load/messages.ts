/** Messages between the parent of a run and its processes (Bun's IPC). */

import type { LoadOptions } from "./options.ts";
import type { LedgerCounts } from "./reader/ledger.ts";

/** To a reader process, as its first message. */
export interface ReaderTask {
  readonly options: LoadOptions;
  readonly run: string;
  /** Number of this process: its own block of source addresses. */
  readonly process: number;
  readonly firstConnection: number;
  readonly connections: number;
  /** Never-reading connections that this process also holds. */
  readonly slow: number;
}

export type ReaderCommand =
  | { readonly do: "start"; readonly task: ReaderTask }
  /** Latencies count from events that were due at `fromUs` or later. */
  | { readonly do: "record"; readonly fromUs: number }
  /** The measured part begins, ends: of CPU, reads and bytes. */
  | { readonly do: "measure" }
  | { readonly do: "measure-end" }
  | { readonly do: "cut"; readonly spreadMs: number }
  /** `finals`: the last number of each stream. Answered with `behind`. */
  | { readonly do: "compare"; readonly finals: readonly number[] }
  | { readonly do: "finish"; readonly finals: readonly number[] };

/** A reader's totals since its start, once a second. */
export interface ReaderProgress {
  readonly connected: number;
  readonly ready: number;
  readonly deliveries: number;
  readonly bytes: number;
  readonly reads: number;
  readonly reconnects: number;
  readonly refused: number;
  readonly duplicates: number;
  readonly disordered: number;
  readonly gaps: number;
}

export interface ReaderResult {
  readonly counts: LedgerCounts;
  readonly progress: ReaderProgress;
  readonly absent: number;
  /** In the measured part: CPU of this process (µs), deliveries, reads, body bytes as received. */
  readonly cpuUs: number;
  /** …of it the kernel's. */
  readonly kernelCpuUs: number;
  readonly deliveries: number;
  readonly reads: number;
  readonly bytes: number;
  /** Reads from the start of the measured part until everything had settled. */
  readonly readsSettled: number;
  /** Reads whose bytes had been parsed for another connection already. */
  readonly reused: number;
  readonly slowClosed: number;
  /** Connection lost → first event again, for those that returned (histogram). */
  readonly returns: string;
  /** Due → received of events that were published during a cut of their connection (histogram). */
  readonly recovered: string;
  /**
   * Connection begun → subscribed (histogram), and when the first was begun and the last was
   * subscribed, µs.
   */
  readonly connects: string;
  readonly connectFromUs: number;
  readonly connectToUs: number;
  /**
   * Failed attempts, by HTTP status, or by the system's code (`ECONNREFUSED`) without a connection.
   * 200: told to return later (`retry:` and a clean end); `timeout`: the response was too slow;
   * `unreadable`: no event stream.
   */
  readonly refusals: Readonly<Record<string, number>>;
}

export type ReaderMessage =
  | { readonly is: "up" }
  /** All connections are subscribed (the slow ones: connected). */
  | { readonly is: "ready" }
  /** One second: its events, by when they were received. */
  | {
      readonly is: "second";
      readonly progress: ReaderProgress;
      readonly latency: string;
      readonly refusals: ReaderResult["refusals"];
      readonly atUs: number;
    }
  /** Streams of connections that lack their last event, and connections that are closed. */
  | { readonly is: "behind"; readonly slots: number; readonly absent: number }
  | { readonly is: "finished"; readonly result: ReaderResult }
  | { readonly is: "failed"; readonly reason: string };

export interface PublisherTask {
  readonly options: LoadOptions;
  readonly run: string;
}

export type PublisherCommand =
  | { readonly do: "start"; readonly task: PublisherTask }
  | { readonly do: "publish"; readonly fromUs: number; readonly untilUs: number }
  | { readonly do: "stop" };

export interface PublisherResult {
  /** Accepted events, and requests that carried them. */
  readonly published: number;
  readonly requests: number;
  /** Events that were not accepted, with the reason of the first. */
  readonly failed: number;
  readonly firstFailure: string | undefined;
  /** The last number of each stream. */
  readonly finals: readonly number[];
  /** Request sent → answered (histogram). */
  readonly answers: string;
  /** The largest delay of a request behind its schedule, ms. */
  readonly lateMs: number;
}

export type PublisherMessage =
  | { readonly is: "up" }
  | { readonly is: "second"; readonly published: number }
  | { readonly is: "published"; readonly result: PublisherResult }
  | { readonly is: "failed"; readonly reason: string };
