/** Sums of the processes' metrics over all incarnations: a killed process restarts from zero. */

import type { ClusterProcess } from "../cluster/cluster-process.ts";

/** What the report shows of `/metrics`. */
const SHOWN: Readonly<Record<string, string>> = {
  ovation_frontend_repaired_events_total: "repaired",
  ovation_frontend_repair_reads_total: "repair reads",
  ovation_frontend_recovered_events_total: "recovered",
  ovation_frontend_recoveries_total: "recoveries",
  ovation_frontend_recovery_reads_total: "recovery reads",
  ovation_frontend_unrecovered_topics_total: "unrecovered",
  ovation_frontend_gaps_total: "gaps",
  ovation_comments_unpublished_total: "left to the repair lane",
  ovation_dispatcher_refused_events_total: "refused by dispatchers",
  ovation_link_dropped_away_events_total: "dropped, frontend away",
  ovation_link_lost_in_flight_events_total: "lost in flight to frontends",
  ovation_forward_expired_events_total: "expired before a data centre took them",
  ovation_forward_spared_events_total: "not sent to a data centre without viewers",
  ovation_forward_repeated_batches_total: "batches to a data centre that were repeated",
  ovation_forward_forgotten_events_total: "left out by a data centre without its state",
};

const TIMEOUT_MS = 1000;

export class Tally {
  readonly #processes: readonly ClusterProcess[];
  /** By process and incarnation. */
  readonly #latest = new Map<string, Readonly<Record<string, number>>>();

  constructor(processes: readonly ClusterProcess[]) {
    this.#processes = processes;
  }

  get sums(): Readonly<Record<string, number>> {
    const sums: Record<string, number> = {};
    for (const counts of this.#latest.values())
      for (const [name, value] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + value;
    return sums;
  }

  /**
   * Reads all processes that respond. Call it often: what a process counted since the last read
   * dies with it.
   */
  async read(): Promise<void> {
    await Promise.all(this.#processes.map((process) => this.#readOne(process)));
  }

  async #readOne(process: ClusterProcess): Promise<void> {
    if (!process.running) return;
    const incarnation = `${process.name} ${process.pid}`;
    try {
      const response = await fetch(`${process.url}/metrics`, {
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      this.#latest.set(incarnation, parse(await response.text()));
    } catch {
      // Paused, starting or just killed: the last values count until the next read.
    }
  }
}

/** Prometheus text: `name{labels} value`; labels are summed. */
function parse(text: string): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const line of text.split("\n")) {
    const [, name, value] = /^([a-z_]+)(?:\{[^}]*\})? ([0-9.e+-]+)/.exec(line) ?? [];
    const shown = name === undefined ? undefined : SHOWN[name];
    if (shown !== undefined) sums[shown] = (sums[shown] ?? 0) + Number(value);
  }
  return sums;
}
