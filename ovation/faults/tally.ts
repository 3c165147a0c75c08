/** Sums of the processes' metrics over all their lives: a killed one starts again from zero. */

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
  ovation_forward_expired_events_total: "expired on the way to a data centre",
  ovation_forward_spared_events_total: "spared a data centre that nobody watches in",
  ovation_forward_repeated_batches_total: "batches to a data centre that came again",
  ovation_forward_forgotten_events_total: "left out by a data centre that forgot",
};

const TIMEOUT_MS = 1000;

export interface Tally {
  /**
   * Reads all processes that answer. Call it often: what a process counted since the last time
   * dies with it.
   */
  read(): Promise<void>;
  readonly sums: Readonly<Record<string, number>>;
}

export function createTally(processes: readonly ClusterProcess[]): Tally {
  /** By process and life. */
  const latest = new Map<string, Readonly<Record<string, number>>>();

  async function readOne(process: ClusterProcess): Promise<void> {
    if (!process.running) return;
    const life = `${process.name} ${process.pid}`;
    try {
      const response = await fetch(`${process.url}/metrics`, {
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      latest.set(life, parse(await response.text()));
    } catch {
      // Paused, starting or just killed: the next reading has it, or the last one stands.
    }
  }

  return {
    async read() {
      await Promise.all(processes.map(readOne));
    },
    get sums() {
      const sums: Record<string, number> = {};
      for (const counts of latest.values())
        for (const [name, value] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + value;
      return sums;
    },
  };
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
