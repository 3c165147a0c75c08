/** The dispatcher's numbers for Prometheus. */

import type {
  Dispatcher,
  FrontendLinks,
  LaneCounter,
  LinkStats,
  PeerReceiverStats,
  PeerStats,
  Peers,
} from "@ovation/dispatcher";
import { Counter, Gauge, type Registry } from "prom-client";

const COUNTERS: readonly (readonly [name: string, help: string, key: "merged" | "lookups"])[] = [
  [
    "ovation_dispatcher_merged_events_total",
    "Live events that became part of another one of their batch",
    "merged",
  ],
  ["ovation_dispatcher_lookups_total", "Topics looked up in the subscription table", "lookups"],
];

/** By lane. */
const LANE_COUNTERS: readonly (readonly [name: string, help: string, key: LaneCounter])[] = [
  ["ovation_dispatcher_published_events_total", "Events published to this dispatcher", "published"],
  [
    "ovation_dispatcher_received_events_total",
    "Events that other data centres forwarded here",
    "received",
  ],
  [
    "ovation_dispatcher_dispatched_events_total",
    "Events sent to frontends, one per frontend",
    "dispatched",
  ],
  [
    "ovation_dispatcher_unsubscribed_events_total",
    "Events of topics that no frontend of this data centre has",
    "unsubscribed",
  ],
  [
    "ovation_dispatcher_refused_events_total",
    "Events whose publisher was told that they could not be dispatched",
    "refused",
  ],
];

export function registerDispatcherMetrics(registry: Registry, dispatcher: Dispatcher): void {
  const { counters } = dispatcher;
  for (const [name, help, key] of COUNTERS)
    counter(registry, name, help, [], (count) => count.inc(counters[key]));
  for (const [name, help, key] of LANE_COUNTERS) {
    counter(registry, name, help, ["lane"], (count) =>
      byLane(count, {}, counters[key], counters.durable[key]),
    );
  }
  counter(
    registry,
    "ovation_dispatcher_head_reads_total",
    "Reads of the log for the heads in reports of frontends",
    [],
    (count) => count.inc(dispatcher.headReads),
  );
}

/** The dispatchers of this data centre that a process calls, or that a dispatcher lists. */
export function registerKnownDispatchers(registry: Registry, count: () => number): void {
  new Gauge({
    name: "ovation_known_dispatchers",
    help: "Dispatchers of this data centre that the process knows of",
    registers: [registry],
    collect() {
      this.set(count());
    },
  });
}

/** A counter whose values are read at each scrape. */
function counter(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly string[],
  read: (count: Counter) => void,
): void {
  new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      this.reset();
      read(this);
    },
  });
}

/** The durable ones of `all`, and the others. */
function byLane(
  count: Counter,
  labels: Readonly<Record<string, string>>,
  all: number,
  durable: number,
): void {
  count.inc({ ...labels, lane: "live" }, all - durable);
  count.inc({ ...labels, lane: "durable" }, durable);
}

const LINK_COUNTERS: readonly (readonly [
  name: string,
  help: string,
  key: "merged" | "reconnects" | "evicted" | "shed",
])[] = [
  [
    "ovation_link_merged_events_total",
    "Live events that became part of another one while they waited",
    "merged",
  ],
  ["ovation_link_reconnects_total", "Links opened again", "reconnects"],
  ["ovation_link_evicted_total", "Links closed because there were too many", "evicted"],
  [
    "ovation_link_shed_total",
    "Times a link dropped events because all links together held too many bytes",
    "shed",
  ],
];

/** By lane. */
const LINK_LANE_COUNTERS: readonly (readonly [
  name: string,
  help: string,
  key: keyof LinkStats["durable"],
])[] = [
  ["ovation_link_sent_events_total", "Events that frontends took from links", "sent"],
  [
    "ovation_link_dropped_full_events_total",
    "Events dropped because a link's buffer was full",
    "droppedFull",
  ],
  [
    "ovation_link_dropped_away_events_total",
    "Events dropped because a frontend could not be reached",
    "droppedAway",
  ],
  [
    "ovation_link_lost_in_flight_events_total",
    "Events in flight when a link broke",
    "lostInFlight",
  ],
];

const PEER_COUNTERS: readonly (readonly [
  name: string,
  help: string,
  read: (stats: PeerStats) => number,
])[] = [
  [
    "ovation_forward_merged_events_total",
    "Events that became part of another one while they waited",
    (stats) => stats.merged,
  ],
  [
    "ovation_forward_spared_events_total",
    "Events not forwarded because no subscriber in a data centre has the topic",
    (stats) => stats.skipped,
  ],
  [
    "ovation_forward_forgotten_events_total",
    "Live events left out because a data centre's store forgot whether they had been taken",
    (stats) => stats.forgotten,
  ],
  ["ovation_forward_retries_total", "Batches sent again", (stats) => stats.retries],
];

/** By lane. */
const PEER_LANE_COUNTERS: readonly (readonly [
  name: string,
  help: string,
  key: keyof PeerStats["durable"],
])[] = [
  ["ovation_forward_sent_events_total", "Events that another data centre took", "sent"],
  [
    "ovation_forward_dropped_events_total",
    "Events dropped because the buffer for a data centre was full",
    "droppedFull",
  ],
  [
    "ovation_forward_expired_events_total",
    "Events that waited longer for a data centre than they may",
    "expired",
  ],
];

/** The links to frontends, and the lanes to other data centres. */
export function registerLinkMetrics(registry: Registry, links: FrontendLinks, peers: Peers): void {
  for (const [name, help, key] of LINK_COUNTERS)
    counter(registry, name, help, [], (count) => count.inc(links.stats()[key]));
  for (const [name, help, key] of LINK_LANE_COUNTERS) {
    counter(registry, name, help, ["lane"], (count) => {
      const stats = links.stats();
      byLane(count, {}, stats[key], stats.durable[key]);
    });
  }
  for (const [name, help, key] of PEER_LANE_COUNTERS) {
    counter(registry, name, help, ["peer", "lane"], (count) => {
      for (const stats of peers.stats())
        byLane(count, { peer: stats.name }, stats[key], stats.durable[key]);
    });
  }
  for (const [name, help, read] of PEER_COUNTERS) {
    counter(registry, name, help, ["peer"], (count) => {
      for (const stats of peers.stats()) count.inc({ peer: stats.name }, read(stats));
    });
  }
  new Gauge({
    name: "ovation_forward_up",
    help: "Whether the other data centre answers",
    labelNames: ["peer"],
    registers: [registry],
    collect() {
      for (const stats of peers.stats()) this.set({ peer: stats.name }, stats.up ? 1 : 0);
    },
  });
}

const RECEIVER_COUNTERS: readonly (readonly [
  name: string,
  help: string,
  key: keyof PeerReceiverStats,
])[] = [
  [
    "ovation_forward_repeated_batches_total",
    "Batches of other data centres that had been taken already",
    "duplicates",
  ],
  [
    "ovation_forward_failed_events_total",
    "Events of other data centres that could not be dispatched here",
    "failed",
  ],
];

/** What comes from other data centres. */
export function registerReceiverMetrics(registry: Registry, stats: PeerReceiverStats): void {
  for (const [name, help, key] of RECEIVER_COUNTERS)
    counter(registry, name, help, [], (count) => count.inc(stats[key]));
}
