/**
 * Reads all of the data directory's SQLite files now and then, slowly, and reports what is damaged:
 * damage is found before a client asks for the row, and while there is a backup that has it. In a
 * worker of its own, which is there for as long as a walk takes.
 */

import type { Clock } from "@ovation/protocol";
import { Counter, Gauge, type Registry } from "prom-client";
import type { CheckerAnswer, CheckerOrder } from "./data-checker-worker.ts";
import type { DataDamage } from "./data-damage.ts";

/** The first walk: when the start is over. */
export const CHECK_FIRST_MS = 60_000;
/** From the end of a walk to the next one. */
export const CHECK_EVERY_MS = 24 * 60 * 60_000;
/** 10 GB take 43 minutes. */
export const CHECK_BYTES_PER_SECOND_MAX = 4 * 1024 * 1024;

export interface DataCheckerOptions {
  /** Of the log. */
  readonly log: string;
  readonly stores: readonly string[];
  readonly damage: DataDamage;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly firstMs?: number;
  readonly everyMs?: number;
  readonly bytesPerSecondMax?: number;
  onFailure(what: string, error: unknown): void;
}

/** Begins; answers what ends it. */
export function startDataChecker(options: DataCheckerOptions): () => void {
  const { log, stores, damage, registry, clock, onFailure } = options;
  const { firstMs = CHECK_FIRST_MS, everyMs = CHECK_EVERY_MS } = options;
  const registers = [registry];
  const bytes = new Counter({
    name: "ovation_data_checked_bytes_total",
    help: "Data that the check of the data directory has read",
    registers,
  });
  const walks = new Counter({
    name: "ovation_data_checks_total",
    help: "Checks of the whole data directory that were finished",
    registers,
  });
  const finishedAt = new Gauge({
    name: "ovation_data_checked_timestamp_seconds",
    help: "When the last check of the whole data directory was finished; 0: not yet",
    registers,
  });
  let worker: Worker | undefined;
  let cancel = clock.after(firstMs, walk);

  function walk(): void {
    const { end } = damage.beginWalk();
    const own = new Worker(new URL("./data-checker-worker.ts", import.meta.url).href);
    worker = own;
    own.onmessage = ({ data }: MessageEvent<CheckerAnswer>) => {
      bytes.inc(data.bytes);
      for (const what of data.problems) damage.report(what);
      if (!data.done) return;
      walks.inc();
      finishedAt.set(Math.floor(Date.now() / 1000));
      end();
      again();
    };
    own.onerror = (event) => {
      onFailure("check of the data directory", new Error(event.message));
      again();
    };
    own.postMessage({
      log,
      stores,
      bytesPerSecondMax: options.bytesPerSecondMax ?? CHECK_BYTES_PER_SECOND_MAX,
    } satisfies CheckerOrder);
  }

  function again(): void {
    worker?.terminate();
    worker = undefined;
    cancel = clock.after(everyMs, walk);
  }

  return () => {
    cancel();
    worker?.terminate();
    worker = undefined;
  };
}
