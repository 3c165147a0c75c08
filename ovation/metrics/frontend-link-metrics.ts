/** A frontend's end of its links, for Prometheus. */

import type { LinkReceiver } from "@ovation/dispatcher";
import { Counter, Gauge, type Registry } from "prom-client";

export function registerReceivedLinkMetrics(
  registry: Registry,
  receiver: Pick<LinkReceiver, "stats">,
): void {
  new Gauge({
    name: "ovation_frontend_links",
    help: "Dispatchers whose link to this frontend is open",
    registers: [registry],
    collect() {
      this.set(receiver.stats().open);
    },
  });
  new Counter({
    name: "ovation_frontend_links_broken_total",
    help:
      "Links that ended without a close: what their dispatcher held for this frontend is " +
      "lost and in no count",
    registers: [registry],
    collect() {
      this.reset();
      this.inc(receiver.stats().broken);
    },
  });
  new Counter({
    name: "ovation_frontend_links_late_events_total",
    help:
      "Live events that came over a link too late for viewers who had come from elsewhere " +
      "meanwhile, and were dropped",
    registers: [registry],
    collect() {
      this.reset();
      this.inc(receiver.stats().stale);
    },
  });
}
