/**
 * The link between the data centres of a local cluster: one TCP proxy before each dispatcher, and
 * all of them one line.
 */

import {
  createLineDirection,
  type LinkConditions,
  startTcpProxy,
  type TcpProxy,
} from "../../testing/tcp-proxy.ts";

export interface DatacenterLink {
  readonly datacenters: readonly string[];
  readonly conditions: LinkConditions;
  /** By which the others reach this data centre's dispatchers. */
  urlsOf(datacenter: string): readonly string[];
  proxiesOf(datacenter: string): readonly TcpProxy[];
  set(conditions: Partial<LinkConditions>): void;
  /** Connections are reset and new ones refused. */
  cut(): void;
  /** Drops what is sent to this data centre without a reset; what it sends still arrives. */
  halfCut(datacenter: string): void;
  /** Ends both kinds of cut. */
  heal(): void;
  stop(): Promise<void>;
}

/** `dispatchers`: the internal ports of each data centre. With one there is no link. */
export async function startDatacenterLink(
  dispatchers: ReadonlyMap<string, readonly number[]>,
  initial: Partial<LinkConditions> = {},
): Promise<DatacenterLink> {
  let conditions: LinkConditions = { delayMs: 0, jitterMs: 0, bytesPerSecond: 0, ...initial };
  const names = [...dispatchers.keys()];
  const proxies = new Map<string, readonly TcpProxy[]>();
  const into = new Map(names.map((name) => [name, createLineDirection()]));
  for (const [name, ports] of names.length < 2 ? [] : dispatchers) {
    // Responses use the line into the data centre of the caller.
    const other = names.find((one) => one !== name) ?? "";
    const line = {
      there: into.get(name) ?? createLineDirection(),
      back: into.get(other) ?? createLineDirection(),
    };
    const made = ports.map((port) => startTcpProxy({ target: { port }, line, ...conditions }));
    proxies.set(name, await Promise.all(made));
  }
  const all = [...proxies.values()].flat();
  const proxiesOf = (name: string) => proxies.get(name) ?? [];
  return {
    datacenters: names,
    get conditions() {
      return conditions;
    },
    urlsOf: (name) => proxiesOf(name).map(({ port }) => `http://127.0.0.1:${port}`),
    proxiesOf,
    set(changed) {
      conditions = { ...conditions, ...changed };
      for (const proxy of all) proxy.set(changed);
    },
    cut() {
      for (const proxy of all) proxy.cut();
    },
    halfCut(datacenter) {
      for (const [name, own] of proxies)
        for (const proxy of own) proxy.halfCut(name === datacenter ? "there" : "back");
    },
    heal() {
      for (const proxy of all) proxy.heal();
    },
    async stop() {
      await Promise.all(all.map((proxy) => proxy.stop()));
    },
  };
}
