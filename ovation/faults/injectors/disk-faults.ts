/**
 * Disk faults of `ovation start`, between `kill -9` and the next start. A flipped bit or a cut file
 * is judged on a copy, so that the run itself continues with undamaged files. A torn tail, as a
 * loss of power leaves it, is made in the log of the run: no acknowledged event may be missing.
 */

import { join } from "node:path";
import type { Random } from "../../../testing/random.ts";
import type { ClusterProcess } from "../../cluster/cluster-process.ts";
import { CopyJudge, type Damage, type Verdict } from "./copy-judge.ts";
import { cutShort, flipBit, loseUnsynced, tearTail } from "./disk-damage.ts";
import { DISK_FAULTS } from "./disk-fault-kinds.ts";
import { judgeDamaged, judgeUnsynced } from "./disk-judge.ts";
import type { Fault } from "./fault.ts";

export interface DiskFaultsOptions {
  readonly server: ClusterProcess;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly random: Random;
}

export interface DiskFaults {
  readonly faults: readonly Fault[];
  /** When every copy has been judged: what was wrong. */
  settle(): Promise<readonly string[]>;
}

export function createDiskFaults({
  server,
  directory,
  environment,
  random,
}: DiskFaultsOptions): DiskFaults {
  const judge = new CopyJudge({ directory, environment, random });
  const make = (
    kind: string,
    damage: Damage,
    verdict: Verdict,
    damageRun: () => void = () => undefined,
  ): Fault => ({
    kind,
    targets: [server.name],
    forMs: [0, 0],
    async begin() {
      await server.kill();
      judge.judge(damage, verdict);
      damageRun();
    },
    end: () => server.restart("at-once"),
  });
  return {
    faults: [
      make(DISK_FAULTS.flip, flipBit, judgeDamaged),
      make(DISK_FAULTS.cut, cutShort, judgeDamaged),
      make(DISK_FAULTS.unsynced, loseUnsynced, judgeUnsynced, () => {
        tearTail(join(directory, "log.sqlite"), random);
      }),
    ],
    settle: () => judge.settle(),
  };
}
