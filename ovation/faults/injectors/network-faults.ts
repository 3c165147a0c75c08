import type { TcpProxy } from "../../../testing/tcp-proxy.ts";
import type { Door } from "../stages/door.ts";
import type { Fault } from "./fault.ts";
import { finder } from "./find-target.ts";

/** The network between viewers and a door: cut, silent, slow or reset. */
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
