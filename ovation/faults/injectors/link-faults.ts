import type { Datacenter } from "../../cluster/local-cluster.ts";
import type { Fault } from "./fault.ts";

/** The links between data centres: cut, silent or slow. `delayMs`: of a whole link. */
export function linkFaults(datacenters: readonly Datacenter[], delayMs: number): readonly Fault[] {
  if (datacenters.length < 2) return [];
  const targets = datacenters.map(({ name }) => `links to ${name}`);
  const linksOf = (target: string) =>
    datacenters.find(({ name }) => target === `links to ${name}`)?.links ?? [];
  const heal = async (target: string) => {
    for (const link of linksOf(target)) {
      link.heal();
      link.set({ delayMs, jitterMs: 0 });
    }
  };
  const kind = (
    name: string,
    breakIt: (link: ReturnType<typeof linksOf>[number]) => void,
  ): Fault => ({
    kind: name,
    targets,
    forMs: [500, 6000],
    begin: async (target) => {
      for (const link of linksOf(target)) breakIt(link);
    },
    end: heal,
  });
  return [
    kind("links cut", (link) => link.cut()),
    kind("links silent one way", (link) => link.halfCut("back")),
    kind("links slow", (link) => link.set({ delayMs: 600, jitterMs: 600 })),
  ];
}
