/**
 * Whether what a process needs from others answers, for Prometheus: the metric of what `readyz`
 * says.
 */

import { Gauge, type Registry } from "prom-client";

type Read = () => readonly (readonly [name: string, up: boolean])[];

/** A registry has one metric of a name, and several parts of a process that need something. */
const sources = new WeakMap<Registry, Read[]>();

export function registerDependencies(registry: Registry, read: Read): void {
  const known = sources.get(registry);
  if (known !== undefined) {
    known.push(read);
    return;
  }
  const reads = [read];
  sources.set(registry, reads);
  new Gauge({
    name: "ovation_dependency_up",
    help:
      "Whether what the process needs answers: the log, the table's store, the database, a " +
      "dispatcher",
    labelNames: ["dependency"],
    // Of several workers, the one that is worst off.
    aggregator: "min",
    registers: [registry],
    collect() {
      for (const one of reads)
        for (const [dependency, up] of one()) this.set({ dependency }, up ? 1 : 0);
    },
  });
}
