/** What the terminal shows of a running process, read from its metrics. */

import type { Registry } from "prom-client";
import type { StatusSample } from "../demo/mod.ts";

export interface StatusSource {
  sample(): Promise<StatusSample>;
}

export async function sampleStatus(
  registries: readonly Pick<Registry, "getMetricsAsJSON">[],
): Promise<StatusSample> {
  const totals = new Map<string, number>();
  for (const registry of registries) {
    for (const { name, values } of await registry.getMetricsAsJSON()) {
      for (const { value } of values) totals.set(name, (totals.get(name) ?? 0) + Number(value));
    }
  }
  const total = (name: string) => totals.get(name) ?? 0;
  return {
    viewers: total("ovation_frontend_viewers"),
    connections: total("ovation_frontend_connections"),
    comments: total("ovation_comments_total"),
    likes: total("ovation_likes_total"),
    deliveries: total("ovation_frontend_written_events_total"),
    memoryBytes: total("process_resident_memory_bytes"),
  };
}
