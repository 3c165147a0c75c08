/** The dispatcher's numbers for Prometheus. */

import type { Dispatcher, DispatcherCounters } from "@ovation/dispatcher";
import { Counter, type Registry } from "prom-client";

const COUNTERS: readonly (readonly [name: string, help: string, key: keyof DispatcherCounters])[] = [
  ["ovation_dispatcher_published_events_total", "Events published to this dispatcher", "published"],
  ["ovation_dispatcher_received_events_total", "Events that other data centres forwarded here", "received"],
  ["ovation_dispatcher_merged_events_total", "Events that became part of another one of their batch", "merged"],
  ["ovation_dispatcher_lookups_total", "Topics looked up in the subscription table", "lookups"],
  ["ovation_dispatcher_dispatched_events_total", "Events sent to frontends, one per frontend", "dispatched"],
  ["ovation_dispatcher_unsubscribed_events_total", "Events of topics that no frontend of this data centre has", "unsubscribed"],
  ["ovation_dispatcher_refused_events_total", "Events whose publisher was told that they could not be dispatched", "refused"],
];

export function registerDispatcherMetrics(registry: Registry, dispatcher: Dispatcher): void {
  for (const [name, help, key] of COUNTERS) {
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(dispatcher.counters[key]);
      },
    });
  }
}
