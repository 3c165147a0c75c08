/** Judges damage on copies of a data directory, while the server of the run continues. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../../../testing/random.ts";
import { copyData } from "./disk-damage.ts";
import { runServer, type ServerRun } from "./server-run.ts";

/** Damages the copy, and returns what it did. */
export type Damage = (copy: string, random: Random) => string | undefined;
/** What is wrong with the run on damaged data, compared with the run on undamaged data. */
export type Verdict = (expected: ServerRun, actual: ServerRun) => string | undefined;

export interface CopyJudgeOptions {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly random: Random;
}

const SEED_MAX = 1_000_000_000;

export class CopyJudge {
  readonly #options: CopyJudgeOptions;
  readonly #troubles: string[] = [];
  /** One at a time, because it starts two servers and the run needs the machine. */
  #judging: Promise<void> | undefined;

  constructor(options: CopyJudgeOptions) {
    this.#options = options;
  }

  /** Copies the data now, while no process has it open, and judges the copy later. */
  judge(damage: Damage, verdict: Verdict): void {
    if (this.#judging !== undefined) return;
    const kept = mkdtempSync(join(tmpdir(), "ovation-worn-"));
    const remove = () => rmSync(kept, { recursive: true, force: true });
    process.once("exit", remove);
    copyData(this.#options.directory, join(kept, "whole"));
    this.#judging = this.#judgeCopy(kept, damage, verdict).finally(() => {
      this.#judging = undefined;
      process.off("exit", remove);
      remove();
    });
  }

  /** When every copy has been judged: what was wrong. */
  async settle(): Promise<readonly string[]> {
    await this.#judging;
    return this.#troubles;
  }

  async #judgeCopy(kept: string, damage: Damage, verdict: Verdict): Promise<void> {
    const whole = join(kept, "whole");
    const seed = this.#options.random.integer(1, SEED_MAX);
    let what: string | undefined;
    try {
      const expected = await this.#run(whole, join(kept, "truth"), () => undefined);
      if (expected.ended !== undefined || expected.exported.code !== 0)
        throw new Error(`the undamaged copy is refused: ${expected.lines.join(" | ")}`);
      const actual = await this.#run(whole, join(kept, "damaged"), (path) => {
        what = damage(path, new Random(seed));
      });
      const trouble = verdict(expected, actual);
      if (trouble !== undefined) this.#troubles.push(`${what}: ${trouble}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : error;
      this.#troubles.push(`${what ?? "whole"}: ${reason}`);
    }
  }

  /** The same copy and damage twice: for the server and for the export. */
  #run(whole: string, copy: string, damage: (path: string) => void): Promise<ServerRun> {
    const [served, exported] = [join(copy, "served"), join(copy, "exported")];
    for (const path of [served, exported]) {
      copyData(whole, path);
      damage(path);
    }
    return runServer(served, exported, this.#options.environment);
  }
}
