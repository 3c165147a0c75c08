import type { ClusterProcess } from "../../cluster/cluster-process.ts";
import type { Fault } from "./fault.ts";
import { finder } from "./find-target.ts";

/** `kill -9` and SIGSTOP of processes; the report has one kind for each role. */
export function processFaults(processes: readonly ClusterProcess[]): readonly Fault[] {
  const roles = [...new Set(processes.map(({ role }) => role))];
  return roles.flatMap((role) => {
    const own = processes.filter((process) => process.role === role);
    const targets = own.map(({ name }) => name);
    const named = finder(own, ({ name }) => name);
    return [
      {
        kind: `kill -9 ${role}`,
        targets,
        forMs: [300, 3000],
        weight: 2,
        begin: (target) => named(target).kill(),
        // Readiness may need something else that is broken: the end of the run waits for it.
        end: (target) => named(target).restart("at-once"),
      },
      {
        kind: `pause ${role}`,
        targets,
        forMs: [500, 5000],
        begin: async (target) => named(target).pause(),
        end: async (target) => named(target).resume(),
      },
    ] satisfies Fault[];
  });
}
