/** The roles of a cluster as processes, in one data centre or two, over Redis and PostgreSQL. */

import { openLog } from "@ovation/log";
import type { RedisServer } from "../../testing/redis.ts";
import { startGateway } from "../cluster/gateway.ts";
import { type Datacenter, type LocalCluster, startLocalCluster } from "../cluster/local-cluster.ts";
import { createDatabaseBackups } from "./backups-cluster.ts";
import { openDoor } from "./door.ts";
import type { Fault } from "./fault.ts";
import { clockFaults, networkFaults, processFaults } from "./faults.ts";
import { CLOCKS_MISSING, createProcessClocks, type ProcessClock } from "./process-clock.ts";
import type { Stage, StageOptions } from "./stage.ts";
import { stopFaults } from "./stop-faults.ts";
import { readWholeLog } from "./whole-log.ts";
import { createWires } from "./wires.ts";

/**
 * Internal calls are signed with the time: beyond half a minute apart, processes refuse each
 * other.
 */
const CLOCK_JUMPS_MS = [20_000, -20_000, 3_600_000, -3_600_000];
const POSTGRES = "postgres";
const DELAY_MS = 40;

export async function startStageCluster(
  names: readonly string[],
  { seed, recorder, lines, onLine }: StageOptions,
): Promise<Stage> {
  const clocks = createProcessClocks([
    ...names.flatMap((name) => [
      ...[`${name}/frontend-0`, `${name}/dispatcher-0`, `${name}/comments-0`],
    ]),
    POSTGRES,
  ]);
  const wires = createWires(seed);
  const cluster = await startLocalCluster({
    datacenters: names,
    link: { delayMs: DELAY_MS },
    rateLimits: "off",
    redis: "single",
    comments: 2,
    routeOf: wires.routeOf,
    onLine(process, line) {
      lines.add(process, line);
      onLine(process, line);
    },
    ...(clocks === undefined
      ? {}
      : {
          environmentOf: clocks.environmentOf,
          postgresEnvironment: clocks.environmentOf(POSTGRES),
        }),
  });
  const gateways = cluster.datacenters.map((datacenter) => startGateway(datacenter, 0));
  const doors = await Promise.all(
    cluster.datacenters.map(({ name }, index) => openDoor(name, gateways[index]?.url ?? "")),
  );
  const processes = [...cluster.processes.values()];
  const clocksOf = (accept: (clock: ProcessClock) => boolean) =>
    (clocks?.clocks ?? []).filter(accept);
  return {
    shape: `${processes.length} processes in ${names.join(" and ")}`,
    secret: cluster.secret,
    doors,
    processes,
    likers: processes.filter(({ role }) => role === "comments"),
    backups: createDatabaseBackups(cluster),
    faults: [
      ...processFaults(processes),
      ...stopFaults(processes, lines, recorder),
      ...wires.faults(),
      ...networkFaults(doors),
      ...redisFaults(cluster.datacenters),
      postgresFault(cluster),
      ...linkFaults(cluster),
      ...clockFaults(
        clocksOf(({ name }) => name !== POSTGRES),
        CLOCK_JUMPS_MS,
      ),
      ...clockFaults(
        clocksOf(({ name }) => name === POSTGRES),
        CLOCK_JUMPS_MS,
        "postgres clock",
      ),
    ],
    settle: async () => [],
    missing: clocks === undefined ? [CLOCKS_MISSING] : [],
    async readLog(topics) {
      const log = await openLog({ url: cluster.postgres.url });
      try {
        return await readWholeLog(log, topics);
      } finally {
        await log.close();
      }
    },
    async stop() {
      await Promise.all(doors.map((door) => door.network.stop()));
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await cluster.stop();
      await wires.stop();
      clocks?.stop();
    },
  };
}

function redisFaults(datacenters: readonly Datacenter[]): readonly Fault[] {
  const targets = datacenters.map(({ name }) => `redis of ${name}`);
  const serversOf = (target: string): readonly RedisServer[] =>
    datacenters.find(({ name }) => target === `redis of ${name}`)?.redis.servers ?? [];
  const each = async (target: string, run: (server: RedisServer) => unknown) => {
    await Promise.all(serversOf(target).map((server) => run(server)));
  };
  return [
    {
      kind: "redis FLUSHALL",
      targets,
      forMs: [0, 0],
      begin: (target) => each(target, ({ client }) => client.flushall()),
      end: async () => {},
    },
    {
      kind: "redis killed, restarted empty",
      targets,
      forMs: [300, 4000],
      begin: (target) => each(target, (server) => server.kill()),
      end: (target) => each(target, (server) => server.restart()),
    },
    {
      kind: "redis paused",
      targets,
      forMs: [500, 5000],
      begin: (target) => each(target, (server) => server.pause()),
      end: (target) => each(target, (server) => server.resume()),
    },
  ];
}

function postgresFault({ postgres }: LocalCluster): Fault {
  return {
    kind: "postgres crashes",
    targets: ["postgres"],
    forMs: [300, 3000],
    weight: 2,
    begin: () => postgres.halt("immediate"),
    end: () => postgres.resume(),
  };
}

function linkFaults(cluster: LocalCluster): readonly Fault[] {
  if (cluster.datacenters.length < 2) return [];
  const targets = cluster.datacenters.map(({ name }) => `links to ${name}`);
  const linksOf = (target: string) =>
    cluster.datacenters.find(({ name }) => target === `links to ${name}`)?.links ?? [];
  const heal = async (target: string) => {
    for (const link of linksOf(target)) {
      link.heal();
      link.set({ delayMs: DELAY_MS, jitterMs: 0 });
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
