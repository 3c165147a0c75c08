/** The roles of a cluster as processes, in one data centre or two, over Redis and PostgreSQL. */

import { openLog } from "@ovation/log";
import { startGateway } from "../../cluster/gateway.ts";
import { startLocalCluster } from "../../cluster/local-cluster.ts";
import { readWholeLog } from "../history/whole-log.ts";
import { clockFaults } from "../injectors/clock-faults.ts";
import { linkFaults } from "../injectors/link-faults.ts";
import { networkFaults } from "../injectors/network-faults.ts";
import {
  CLOCKS_MISSING,
  createProcessClocks,
  type ProcessClock,
} from "../injectors/process-clock.ts";
import { processFaults } from "../injectors/process-faults.ts";
import { stopFaults } from "../injectors/stop-faults.ts";
import { postgresFault, redisFaults } from "../injectors/store-faults.ts";
import { createWires } from "../injectors/wires.ts";
import { createDatabaseBackups } from "./backups-cluster.ts";
import { openDoor } from "./door.ts";
import { STAGE_ENVIRONMENT, type Stage, type StageOptions } from "./stage.ts";

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
    environmentOf: (name) => ({ ...STAGE_ENVIRONMENT, ...clocks?.environmentOf(name) }),
    ...(clocks === undefined ? {} : { postgresEnvironment: clocks.environmentOf(POSTGRES) }),
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
      postgresFault(cluster.postgres),
      ...linkFaults(cluster.datacenters, DELAY_MS),
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
