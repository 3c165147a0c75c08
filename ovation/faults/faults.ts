/**
 * Ways to break things that every stage has: its processes, and the network between viewers and
 * it.
 */

import type { TcpProxy } from "../../testing/tcp-proxy.ts";
import type { ClusterProcess } from "../cluster/cluster-process.ts";
import type { Door } from "./door.ts";
import type { Fault } from "./fault.ts";
import type { ProcessClock } from "./process-clock.ts";

/**
 * `kill -9` and SIGSTOP for processes of these roles; one kind for each role, so that the report
 * tells them apart.
 */
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

/** Viewers that vanish without a word, or are thrown out, and return. */
export function networkFaults(doors: readonly Door[]): readonly Fault[] {
  const targets = doors.map(({ name }) => `viewers of ${name}`);
  const network = (target: string) =>
    finder(doors, ({ name }) => `viewers of ${name}`)(target).network;
  const make = (
    kind: string,
    forMs: readonly [number, number],
    breakIt: (network: TcpProxy) => void,
  ): Fault => ({
    kind,
    targets,
    forMs,
    begin: async (target) => breakIt(network(target)),
    async end(target) {
      network(target).set({ delayMs: 0, jitterMs: 0 });
      network(target).heal();
    },
  });
  return [
    make("viewers cut off", [200, 4000], (proxy) => proxy.cut()),
    make("viewers vanish", [500, 4000], (proxy) => proxy.halfCut("both")),
    make("viewers hear nothing", [500, 4000], (proxy) => proxy.halfCut("back")),
    make("viewers half-open", [500, 4000], (proxy) => proxy.halfOpen()),
    make("viewers far away", [500, 4000], (proxy) => proxy.set({ delayMs: 300, jitterMs: 300 })),
    make("viewers thrown out", [0, 0], (proxy) => proxy.reset()),
  ];
}

/** Until every thread of a process has the new time: libfaketime looks for it once a second. */
const JUMP_TAKES_MS_MAX = 2000;

/** Clocks that jump, forth and back, and come right again. */
export function clockFaults(
  clocks: readonly ProcessClock[],
  jumpsMs: readonly number[],
  whose = "clock",
): readonly Fault[] {
  if (clocks.length === 0) return [];
  const named = finder(clocks, ({ name }) => name);
  const targets = clocks.map(({ name }) => name);
  return jumpsMs.map((jumpMs) => ({
    kind: `${whose} ${jumpMs > 0 ? "+" : "−"}${Math.abs(jumpMs) / 1000} s`,
    targets,
    forMs: [1500, 5000],
    async begin(target) {
      named(target).jump(jumpMs);
      await Bun.sleep(JUMP_TAKES_MS_MAX);
    },
    async end(target) {
      named(target).jump(0);
      await Bun.sleep(JUMP_TAKES_MS_MAX);
    },
  }));
}

function finder<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
): (name: string) => Item {
  return (name) => {
    const found = items.find((item) => nameOf(item) === name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  };
}
