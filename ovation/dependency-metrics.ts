/** Whether what a process needs from others answers, for Prometheus: the metric of what `readyz` says. */

import { Gauge, type Registry } from "prom-client";

export function registerDependencies(
  registry: Registry,
  read: () => readonly (readonly [name: string, up: boolean])[],
): void {
  new Gauge({
    name: "ovation_dependency_up",
    help: "Whether what the process needs answers: the table's store, the database, a dispatcher",
    labelNames: ["dependency"],
    // Of several workers, the one that is worst off.
    aggregator: "min",
    registers: [registry],
    collect() {
      for (const [dependency, up] of read()) this.set({ dependency }, up ? 1 : 0);
    },
  });
}
