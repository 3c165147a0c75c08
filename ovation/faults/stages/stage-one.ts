/** `ovation start`: everything in one process, the log in SQLite. */

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteLog } from "@ovation/log";
import { Random } from "../../../testing/random.ts";
import { type ClusterProcess, startProcess } from "../../cluster/cluster-process.ts";
import { readWholeLog } from "../history/whole-log.ts";
import { clockFaults } from "../injectors/clock-faults.ts";
import { createDiskFaults } from "../injectors/disk-faults.ts";
import type { Fault } from "../injectors/fault.ts";
import { networkFaults } from "../injectors/network-faults.ts";
import {
  CLOCKS_MISSING,
  createProcessClocks,
  type ProcessClocks,
} from "../injectors/process-clock.ts";
import { processFaults } from "../injectors/process-faults.ts";
import { readersFault } from "../injectors/reader-faults.ts";
import { DISK_MISSING, mountSmallDisk, type SmallDisk } from "../injectors/small-disk.ts";
import { secondServerFault, stopFaults } from "../injectors/stop-faults.ts";
import { createFileBackups } from "./backups-one.ts";
import { openDoor } from "./door.ts";
import { STAGE_ENVIRONMENT, type Stage, type StageOptions } from "./stage.ts";

const NAME = "start";
const CLOCK_JUMPS_MS = [600_000, -600_000, 3_600_000, -3_600_000];
const WORKERS = 2;

/** The server, and what on this machine can be broken under it. */
interface OneServer {
  readonly server: ClusterProcess;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly disk: SmallDisk | undefined;
  readonly clocks: ProcessClocks | undefined;
}

export async function startStageOne(options: StageOptions): Promise<Stage> {
  const { seed, recorder, lines } = options;
  const random = new Random(seed ^ 0xd15c);
  const workers = random.chance(0.5) ? WORKERS : 1;
  const secret = randomBytes(32).toString("base64url");
  const environment = { ...STAGE_ENVIRONMENT, OVATION_SECRET: secret };
  const one = await startServer(environment, workers, options);
  const { server, directory, disk, clocks } = one;
  const door = await openDoor("one", server.url);
  const diskFaults = createDiskFaults({ server, directory, environment, random });
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
      ...diskFaults.faults,
      secondServerFault(server, directory, environment),
      readersFault(server, directory),
      ...networkFaults([door]),
      ...(disk === undefined ? [] : [fullDiskFault(disk)]),
      ...clockFaults(clocks?.clocks ?? [], CLOCK_JUMPS_MS),
    ],
    settle: () => diskFaults.settle(),
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

async function startServer(
  environment: Readonly<Record<string, string>>,
  workers: number,
  { lines, onLine }: StageOptions,
): Promise<OneServer> {
  const disk = mountSmallDisk();
  const directory = disk?.directory ?? mkdtempSync(join(tmpdir(), "ovation-faults-"));
  const clocks = createProcessClocks([NAME]);
  const server = await startProcess({
    name: NAME,
    role: "start",
    flags: [
      ...["--data", directory, "--workers", String(workers)],
      ...["--rate-limits", "off", "--log-level", "warn", "--drain-seconds", "1"],
    ],
    environment: { ...environment, ...clocks?.environmentOf(NAME) },
    internal: false,
    onLine(line) {
      lines.add(NAME, line);
      onLine(NAME, line);
    },
  });
  return { server, directory, environment, disk, clocks };
}

function fullDiskFault(disk: SmallDisk): Fault {
  return {
    kind: "disk full",
    targets: ["disk"],
    forMs: [500, 3000],
    begin: () => disk.fill(),
    end: async () => disk.empty(),
  };
}
