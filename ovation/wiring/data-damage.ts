/**
 * What is known to be damaged in the files of the data directory: by reads that were refused, and
 * by the walks of `data-checker.ts`. Each is an error in the program's log, once; `readyz` says
 * `degraded` until a walk no longer finds it.
 */

import type { Clock } from "@ovation/protocol";
import type { Logger } from "pino";
import { Gauge, type Registry } from "prom-client";
import type { ReadinessCheck } from "../health.ts";

/** Damages that are told apart; beyond, they are counted. */
export const DAMAGES_KEPT_MAX = 100;

export interface DataDamage {
  /** A sentence that names the file, and the row where it is one. */
  report(what: string): void;
  /** A walk has begun, and later found all there is: what it did not meet is repaired or gone. */
  beginWalk(): { end(): void };
  readonly check: ReadinessCheck;
}

export function createDataDamage(logger: Logger, registry: Registry, clock: Clock): DataDamage {
  const found = new Map<string, number>();
  let unlisted = 0;

  new Gauge({
    name: "ovation_data_damages",
    help: "Rows and files of the data directory that are known to be damaged",
    registers: [registry],
    collect() {
      this.set(found.size + unlisted);
    },
  });

  return {
    report(what) {
      const isKnown = found.has(what);
      if (!isKnown && found.size >= DAMAGES_KEPT_MAX) {
        unlisted++;
        return;
      }
      found.set(what, clock.now());
      if (!isKnown) logger.error({ damage: what }, "data is damaged, and is refused");
    },
    beginWalk() {
      const from = clock.now();
      unlisted = 0;
      return {
        end() {
          for (const [what, at] of found) if (at < from) found.delete(what);
        },
      };
    },
    check: [
      "data",
      () => {
        const [first] = found.keys();
        if (first === undefined) return undefined;
        const more = found.size + unlisted - 1;
        const others = more > 0 ? ` (and ${more} more)` : "";
        return `${first}${others}: see "Damage" in docs/operating/backup.md`;
      },
      () => "degraded",
    ],
  };
}
