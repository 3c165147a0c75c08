/** The frontend's numbers for Prometheus, read at each scrape. */

import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Counters } from "./counters.ts";
import type { Frontend } from "./frontend.ts";
import type { Probe } from "./upstream/probe.ts";

const COUNTERS: readonly (readonly [
  name: string,
  help: string,
  read: (counters: Counters) => number,
])[] = [
  ["ovation_frontend_batches_total", "Batches encoded", (c) => c.batches],
  ["ovation_frontend_writes_total", "Writes to connections by broadcasts", (c) => c.writes],
  ["ovation_frontend_gaps_total", "gap events written to slow viewers", (c) => c.gaps],
  [
    "ovation_frontend_repair_reads_total",
    "Reads of the log for missing events",
    (c) => c.repairReads,
  ],
  [
    "ovation_frontend_recovery_reads_total",
    "Reads of the log for those who returned",
    (c) => c.recoveryReads,
  ],
  [
    "ovation_frontend_recoveries_total",
    "Connections that were sent what they had missed",
    (c) => c.recoveries,
  ],
  [
    "ovation_frontend_unrecovered_topics_total",
    "Returns answered with recovered: false",
    (c) => c.unrecovered,
  ],
  ["ovation_frontend_connects_total", "Connections opened", (c) => c.connects],
  ["ovation_frontend_polls_total", "Long polls of connections", (c) => c.polls],
  [
    "ovation_frontend_oversized_events_total",
    "Events of earlier versions that are larger than a frame, announced in place of being sent",
    (c) => c.pending.oversized,
  ],
];

/** Of events, by lane: how many in all, and how many of them durable. */
const LANE_COUNTERS: readonly (readonly [
  name: string,
  help: string,
  read: (counters: Counters) => readonly [all: number, durable: number],
])[] = [
  [
    "ovation_frontend_dispatched_events_total",
    "Events that dispatchers sent to this frontend",
    (c) => [c.dispatched, c.durable.dispatched],
  ],
  [
    "ovation_frontend_unwanted_events_total",
    "Events of topics that no viewer here has",
    (c) => [c.unwanted, c.durable.unwanted],
  ],
  [
    "ovation_frontend_written_events_total",
    "Events in writes to connections: deliveries",
    (c) => [c.written, c.durable.written],
  ],
  [
    "ovation_frontend_dropped_events_total",
    "Events dropped because too many waited for one topic's next batch",
    (c) => [c.pending.droppedFull, c.pending.durable.droppedFull],
  ],
  [
    "ovation_frontend_lost_events_total",
    "Live events that slow viewers were told they lost",
    (c) => [c.lostSlow, 0],
  ],
  [
    "ovation_frontend_repeated_events_total",
    "Durable events that were here before",
    (c) => [c.repeated, c.repeated],
  ],
  [
    "ovation_frontend_repaired_events_total",
    "Durable events pulled from the log because they were missing",
    (c) => [c.repaired, c.repaired],
  ],
  [
    "ovation_frontend_recovered_events_total",
    "Durable events sent to those who returned",
    (c) => [c.recovered, c.recovered],
  ],
];

export function registerFrontendMetrics(registry: Registry, frontend: Frontend): void {
  const { counters } = frontend;
  for (const [name, help, read] of COUNTERS) {
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read(counters));
      },
    });
  }
  for (const [name, help, read] of LANE_COUNTERS) {
    labelled(registry, name, help, "lane", () => {
      const [all, durable] = read(counters);
      return { live: all - durable, durable };
    });
  }
  registerProbeMetrics(registry, frontend.probe);
  labelled(
    registry,
    "ovation_frontend_closes_total",
    "Connections closed, by reason",
    "reason",
    () => counters.closes,
  );
  labelled(
    registry,
    "ovation_frontend_refusals_total",
    "Connects answered with a wait, by reason",
    "reason",
    () => counters.refusals,
  );
  gauge(
    registry,
    "ovation_frontend_connections",
    "Open connections",
    () => frontend.connections.size,
  );
  gauge(
    registry,
    "ovation_frontend_viewers",
    "Subscriptions of topics whose viewers are counted",
    () => countViewers(frontend),
  );
  gauge(
    registry,
    "ovation_frontend_slow_connections",
    "Connections with a write that has not drained",
    () => counters.slow,
  );
  gauge(
    registry,
    "ovation_frontend_topics",
    "Topics with a subscriber here, now or recently",
    () => frontend.hub.channels.size,
  );
}

/** s */
const PROBE_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

function registerProbeMetrics(registry: Registry, probe: Probe): void {
  const counts: readonly (readonly [name: string, help: string, read: () => number])[] = [
    [
      "ovation_canary_sent_total",
      "Events that this frontend sent to itself by way of a dispatcher",
      () => probe.sent,
    ],
    ["ovation_canary_received_total", "Events to itself that came back", () => probe.received],
    [
      "ovation_canary_lost_total",
      "Events to itself that did not come back in five seconds",
      () => probe.lost,
    ],
    [
      "ovation_canary_refused_total",
      "Events to itself that no dispatcher could dispatch",
      () => probe.refused,
    ],
  ];
  for (const [name, help, read] of counts) {
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }
  const delays = new Histogram({
    name: "ovation_canary_delay_seconds",
    help: "From sending an event to itself until it came back: lookup, dispatch and link",
    buckets: PROBE_BUCKETS,
    registers: [registry],
  });
  probe.onDelay = (delayMs) => delays.observe(delayMs / 1000);
}

function countViewers(frontend: Frontend): number {
  let viewers = 0;
  for (const channel of frontend.hub.counted) viewers += channel.subscribers;
  return viewers;
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

function labelled(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  read: () => Readonly<Record<string, number>>,
): void {
  new Counter({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const [value, count] of Object.entries(read())) this.inc({ [label]: value }, count);
    },
  });
}
