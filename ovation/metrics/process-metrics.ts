/** The process's own numbers, under the names that Prometheus clients use everywhere. */

import { Counter, Gauge, type Registry } from "prom-client";
import { descriptorsMax, openDescriptors } from "../listener/open-descriptors.ts";

export function registerProcessMetrics(registry: Registry): void {
  const startedAt = Date.now() / 1000 - process.uptime();
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory size in bytes",
    registers: [registry],
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Counter({
    name: "process_cpu_seconds_total",
    help: "Total user and system CPU time in seconds",
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: "process_start_time_seconds",
    help: "Start time of the process since the Unix epoch in seconds",
    aggregator: "min",
    registers: [registry],
    collect() {
      this.set(startedAt);
    },
  });
  registerFiles(registry);
  registerLoopDelay(registry);
}

/**
 * Sockets that have not asked for anything yet show here and nowhere else: Bun's HTTP server keeps
 * them to itself.
 */
function registerFiles(registry: Registry): void {
  const max = descriptorsMax();
  if (max === undefined) return;
  new Gauge({
    name: "process_open_fds",
    help: "Open files of the process, sockets among them",
    registers: [registry],
    collect() {
      this.set(openDescriptors() ?? 0);
    },
  });
  new Gauge({
    name: "process_max_fds",
    help: "Files that the process may have open",
    registers: [registry],
    collect() {
      this.set(max);
    },
  });
}

const LOOP_PROBE_MS = 500;

/** How late timers run: the first sign that a process has more to do than it can. */
function registerLoopDelay(registry: Registry): void {
  const gauge = new Gauge({
    name: "ovation_event_loop_delay_seconds",
    help: "How late the last timer ran",
    aggregator: "max",
    registers: [registry],
  });
  let expected = performance.now() + LOOP_PROBE_MS;
  setInterval(() => {
    const now = performance.now();
    gauge.set(Math.max(0, now - expected) / 1000);
    expected = now + LOOP_PROBE_MS;
  }, LOOP_PROBE_MS).unref();
}
