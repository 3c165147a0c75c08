/**
 * A TCP proxy on every connection between two processes of a cluster, and the faults that use it.
 */

import { Random } from "../../../testing/random.ts";
import { startTcpProxy, type TcpProxy } from "../../../testing/tcp-proxy.ts";
import type { Fault } from "./fault.ts";

export interface Wires {
  /** As `routeOf` of a local cluster. */
  routeOf(from: string, to: string, port: number): Promise<number>;
  /** To be called when all wires are there. */
  faults(): readonly Fault[];
  stop(): Promise<void>;
}

/** The connections of two roles: each has its own kinds of faults in the report. */
export type WireKind =
  | "frontend to dispatcher"
  | "dispatcher to frontend"
  | "comments to dispatcher"
  | "to redis"
  | "to postgres";

interface Wire {
  readonly name: string;
  readonly kind: WireKind;
  readonly proxy: TcpProxy;
}

/**
 * Answers are held for so long before the connection is reset: several commits are then on their
 * way.
 */
const LOST_ANSWERS_MS = [30, 250] as const;
const FAR_MS = { delayMs: 250, jitterMs: 250 } as const;
const NEAR_MS = { delayMs: 0, jitterMs: 0 } as const;

export function createWires(seed: number): Wires {
  const random = new Random(seed ^ 0x317e);
  const wires: Wire[] = [];

  return {
    async routeOf(from, to, port) {
      const proxy = await startTcpProxy({ target: { port }, random: random.next });
      wires.push({ name: `${from} → ${to}`, kind: kindOf(from, to), proxy });
      return proxy.port;
    },
    faults() {
      const kinds = [...new Set(wires.map(({ kind }) => kind))].sort();
      const toPostgres = wires.filter(({ kind }) => kind === "to postgres");
      return [
        ...kinds.flatMap((kind) => faultsOf(wires.filter((wire) => wire.kind === kind))),
        lostAnswers(toPostgres, () => random.between(...LOST_ANSWERS_MS)),
      ];
    },
    async stop() {
      await Promise.all(wires.map(({ proxy }) => proxy.stop()));
    },
  };
}

function kindOf(from: string, to: string): WireKind {
  if (to === "redis" || to === "postgres") return `to ${to}`;
  if (from.endsWith("/dispatchers")) return "dispatcher to frontend";
  return from.includes("/frontend-") ? "frontend to dispatcher" : "comments to dispatcher";
}

function faultsOf(wires: readonly Wire[]): readonly Fault[] {
  const targets = wires.map(({ name }) => name);
  const kind = wires[0]?.kind ?? "";
  const make = (
    what: string,
    forMs: readonly [number, number],
    begin: (proxy: TcpProxy) => void,
  ): Fault => ({
    kind: `wire ${kind} ${what}`,
    targets,
    forMs,
    begin: async (target) => begin(proxyOf(wires, target)),
    async end(target) {
      const proxy = proxyOf(wires, target);
      proxy.set(NEAR_MS);
      proxy.heal();
    },
  });
  return [
    make("slow", [500, 5000], (proxy) => proxy.set(FAR_MS)),
    make("silent there", [500, 6000], (proxy) => proxy.halfCut("there")),
    make("silent back", [500, 6000], (proxy) => proxy.halfCut("back")),
    make("reset", [0, 0], (proxy) => proxy.reset()),
    make("half-open", [500, 6000], (proxy) => proxy.halfOpen()),
  ];
}

/**
 * The database carries out what it is asked, and its answers are lost: they are held back for a
 * moment, then the connection is reset, again and again.
 */
function lostAnswers(wires: readonly Wire[], heldMs: () => number): Fault {
  const rounds = new Map<string, Promise<void>>();
  const stopping = new Set<string>();

  async function lose(name: string): Promise<void> {
    const proxy = proxyOf(wires, name);
    while (!stopping.has(name)) {
      proxy.halfCut("back");
      await Bun.sleep(heldMs());
      proxy.reset();
      proxy.heal();
      // Until the pool is connected again, and has asked for something.
      await Bun.sleep(heldMs() * 2);
    }
  }

  return {
    kind: "postgres answers lost",
    targets: wires.map(({ name }) => name),
    forMs: [1000, 5000],
    weight: 2,
    async begin(target) {
      stopping.delete(target);
      rounds.set(target, lose(target));
    },
    async end(target) {
      stopping.add(target);
      await rounds.get(target);
    },
  };
}

function proxyOf(wires: readonly Wire[], name: string): TcpProxy {
  const wire = wires.find((one) => one.name === name);
  if (wire === undefined) throw new Error(`there is no wire ${name}`);
  return wire.proxy;
}
