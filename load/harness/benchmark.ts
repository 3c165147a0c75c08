/**
 * The interface of a benchmark. To add one: a file in `load/benchmarks/` with a `Benchmark` as its
 * default export, named like it.
 */
import type { LoadOptions } from "../options.ts";
import type { LoadReport } from "../report.ts";
import type { BenchCluster, ClusterOptions } from "./cluster.ts";
import type { BenchServer, OvationOptions, OvationServer } from "./servers.ts";

export interface Benchmark {
  readonly name: string;
  /** One line: what is measured, against what. */
  readonly about: string;
  /** What `--only` can name. */
  readonly parts?: readonly string[];
  run(bench: Bench): Promise<void>;
}

/** One line of the result. */
export interface Figure {
  readonly what: string;
  /** With its unit, for reading. */
  readonly value: string;
  /** The same figure of the floor or the peer, from the same run. */
  readonly against?: string;
  /** The target, and whether it was reached. */
  readonly target?: string;
  readonly ok?: boolean;
}

/** A load and its cost on the server. */
export interface Measured {
  readonly report: LoadReport;
  /** CPU of the server's processes in the measured part, s. */
  readonly cpuSeconds: number;
  /** …for each event that a connection received. */
  readonly cpuUsPerDelivery: number;
  /** … for each write that a connection received: the cost of an event where nothing is batched. */
  readonly cpuUsPerWrite: number;
  /**
   * Resident memory: before the connections, with all of them open and idle, when the measured part
   * began, and after the load.
   */
  readonly rss: {
    readonly before: number;
    readonly open: number;
    readonly measuring: number;
    readonly after: number;
  };
  /** Kernel memory of all TCP sockets of this machine after the load, both ends. */
  readonly tcpMemoryBytes: number;
}

export interface Bench {
  /** Small and short: shows that it works, not what it can do. */
  readonly quick: boolean;
  /** The requested length of a soak; `undefined`: its default. */
  readonly minutes: number | undefined;
  /** The requested numbers of frontends; `undefined`: the benchmark's own. */
  readonly frontends: readonly number[] | undefined;
  /** The requested parts; `undefined`: all. */
  readonly only: readonly string[] | undefined;
  /** The first where it is quick, else the second. */
  size(quick: number, full: number): number;
  figure(figure: Figure): void;
  note(text: string): void;
  /** What it does now, for those who watch it; no part of the result. */
  progress(text: string): void;
  /** Started servers are stopped when the benchmark ends, however it ends. */
  ovation(options?: OvationOptions): Promise<OvationServer>;
  floor(): Promise<BenchServer>;
  reference(): Promise<BenchServer>;
  nchan(): Promise<BenchServer | undefined>;
  cluster(options?: ClusterOptions): Promise<BenchCluster>;
  load(server: BenchServer, options: Partial<LoadOptions>): Promise<Measured>;
}
