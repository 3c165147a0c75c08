/**
 * Disk faults of `ovation start`, between `kill -9` and the next start. What a flipped bit or a cut
 * does is judged on a copy, so that the run itself continues with whole files. A torn tail, as the
 * loss of power leaves it, is made in the log of the run: no acknowledged event may be missing.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../../testing/random.ts";
import type { ClusterProcess } from "../cluster/cluster-process.ts";
import { copyData, cutShort, flipBit, loseUnsynced, tearTail } from "./disk-damage.ts";
import { askServer, judgeDamaged, judgeUnsynced, type Said } from "./disk-judge.ts";
import type { Fault } from "./fault.ts";

/** All of them kill the server first. */
export const DISK_FAULTS = {
  flip: "disk bit flip",
  cut: "disk file cut short",
  unsynced: "disk unsynced tail lost",
} as const;

export function isDiskFault(kind: string): boolean {
  return Object.values<string>(DISK_FAULTS).includes(kind);
}

const SEED_MAX = 1_000_000_000;

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

type Damage = (copy: string, random: Random) => string | undefined;
type Verdict = (truth: Said, said: Said) => string | undefined;

export function diskFaults({
  server,
  directory,
  environment,
  random,
}: DiskFaultsOptions): DiskFaults {
  const troubles: string[] = [];
  /** One at a time, so that the machine stays the run's: it takes the start of two servers. */
  let judging: Promise<void> | undefined;

  async function judge(kept: string, damage: Damage, verdict: Verdict): Promise<void> {
    const whole = join(kept, "whole");
    const seed = random.integer(1, SEED_MAX);
    let what: string | undefined;
    try {
      const truth = await ask(whole, join(kept, "truth"), () => undefined);
      if (truth.ended !== undefined || truth.exported.code !== 0)
        throw new Error(`the undamaged copy is refused: ${truth.lines.join(" | ")}`);
      const said = await ask(whole, join(kept, "damaged"), (path) => {
        what = damage(path, new Random(seed));
      });
      const trouble = verdict(truth, said);
      if (trouble !== undefined) troubles.push(`${what}: ${trouble}`);
    } catch (error) {
      troubles.push(`${what ?? "whole"}: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Twice the same copy and damage: one for the server, one for the export. */
  async function ask(whole: string, copy: string, damage: (path: string) => void): Promise<Said> {
    const [served, exported] = [join(copy, "served"), join(copy, "exported")];
    for (const path of [served, exported]) {
      copyData(whole, path);
      damage(path);
    }
    return askServer(served, exported, environment);
  }

  function judgeCopy(damage: Damage, verdict: Verdict): void {
    if (judging !== undefined) return;
    const kept = mkdtempSync(join(tmpdir(), "ovation-worn-"));
    const remove = () => rmSync(kept, { recursive: true, force: true });
    process.once("exit", remove);
    copyData(directory, join(kept, "whole"));
    judging = judge(kept, damage, verdict).finally(() => {
      judging = undefined;
      process.off("exit", remove);
      remove();
    });
  }

  const make = (
    kind: string,
    damage: Damage,
    verdict: Verdict,
    here: () => void = () => undefined,
  ): Fault => ({
    kind,
    targets: [server.name],
    forMs: [0, 0],
    async begin() {
      await server.kill();
      judgeCopy(damage, verdict);
      here();
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
    async settle() {
      await judging;
      return troubles;
    },
  };
}
