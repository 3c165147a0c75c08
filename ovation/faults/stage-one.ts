/** `ovation start`: everything in one process, the log in SQLite. */

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteLog } from "@ovation/log";
import { Random } from "../../testing/random.ts";
import { startProcess } from "../cluster/cluster-process.ts";
import { createFileBackups } from "./backups-one.ts";
import { diskFaults } from "./disk-faults.ts";
import { openDoor } from "./door.ts";
import type { Fault } from "./fault.ts";
import { clockFaults, networkFaults, processFaults } from "./faults.ts";
import { CLOCKS_MISSING, createProcessClocks } from "./process-clock.ts";
import { DISK_MISSING, mountSmallDisk } from "./small-disk.ts";
import type { Stage, StageOptions } from "./stage.ts";
import { secondServerFault, stopFaults } from "./stop-faults.ts";
import { readWholeLog } from "./whole-log.ts";

const NAME = "start";
const CLOCK_JUMPS_MS = [600_000, -600_000, 3_600_000, -3_600_000];

const WORKERS = 2;

export async function startStageOne({
  seed,
  recorder,
  lines,
  onLine,
}: StageOptions): Promise<Stage> {
  const random = new Random(seed ^ 0xd15c);
  const workers = random.chance(0.5) ? WORKERS : 1;
  const secret = randomBytes(32).toString("base64url");
  const environment = { OVATION_SECRET: secret };
  const disk = mountSmallDisk();
  const directory = disk?.directory ?? mkdtempSync(join(tmpdir(), "ovation-faults-"));
  const clocks = createProcessClocks([NAME]);
  const server = await startProcess({
    name: NAME,
    role: "start",
    flags: [
      "--data",
      directory,
      "--rate-limits",
      "off",
      "--log-level",
      "warn",
      "--drain-seconds",
      "1",
      "--workers",
      String(workers),
    ],
    environment: { ...environment, ...clocks?.environmentOf(NAME) },
    internal: false,
    onLine(line) {
      lines.add(NAME, line);
      onLine(NAME, line);
    },
  });
  const door = await openDoor("one", server.url);
  const full: readonly Fault[] =
    disk === undefined
      ? []
      : [
          {
            kind: "disk full",
            targets: ["disk"],
            forMs: [500, 3000],
            begin: () => disk.fill(),
            end: async () => disk.makeRoom(),
          },
        ];
  const worn = diskFaults({ server, directory, environment, random });
  return {
    shape: workers === 1 ? "ovation start" : `ovation start --workers ${workers}`,
    secret,
    doors: [door],
    processes: [server],
    likers: [server],
    backups: createFileBackups(server, directory),
    faults: [
      ...processFaults([server]),
      ...stopFaults([server], lines, recorder),
      ...worn.faults,
      secondServerFault(server, directory, environment),
      ...networkFaults([door]),
      ...full,
      ...clockFaults(clocks?.clocks ?? [], CLOCK_JUMPS_MS),
    ],
    settle: () => worn.settle(),
    missing: [
      ...(disk === undefined ? [DISK_MISSING] : []),
      ...(clocks === undefined ? [CLOCKS_MISSING] : []),
    ],
    async readLog(topics) {
      // One process at a time opens the file.
      await server.stop();
      const log = await openSqliteLog({ path: join(directory, "log.sqlite") });
      try {
        return await readWholeLog(log, topics);
      } finally {
        await log.close();
      }
    },
    async stop() {
      if (server.running) await server.stop();
      await door.network.stop();
      clocks?.stop();
      if (disk === undefined) rmSync(directory, { recursive: true, force: true });
      else disk.unmount();
    },
  };
}
