import { afterEach, expect, spyOn, test } from "bun:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "@ovation/protocol";
import type { Logger } from "pino";
import { createManualClock, settle } from "../../testing/manual-clock.ts";
import type { WorkerSettings } from "./worker-messages.ts";
import { METRICS_MS_MAX, READY_MS_MAX, WorkerProcess } from "./worker-process.ts";
import { START_ATTEMPTS_MAX, Workers } from "./workers.ts";

const warnings: unknown[] = [];
afterEach(() => void warnings.splice(0));
const logger = {
  warn: (fields: unknown) => void warnings.push(fields),
} as unknown as Logger;

test("START_ATTEMPTS_MAX: a worker whose start fails so often is not restarted", async () => {
  const waits: number[] = [];
  const clock: Clock = {
    now: systemClock.now,
    after(ms, run) {
      if (ms < 20_000) waits.push(ms);
      return systemClock.after(ms < 20_000 ? 0 : ms, run);
    },
  };
  // Settings that no worker can start with.
  const pools = { directory: join(tmpdir(), "ovation-no-such-pools"), regions: 1 };
  const settings = { pools } as unknown as WorkerSettings;
  const started = Workers.start({ count: 1, settings, logger, clock });
  await expect(started).rejects.toThrow(`${START_ATTEMPTS_MAX} times`);
  expect(warnings).toHaveLength(START_ATTEMPTS_MAX - 1);
  expect(waits).toEqual([100, 200, 400, 800]);
}, 20_000);

test("READY_MS_MAX: a worker that loads longer is killed before another starts", async () => {
  const spawn = spyOn(Bun, "spawn");
  const clock: Clock = {
    now: systemClock.now,
    after: (_, run) => systemClock.after(0, run),
  };
  const settings = { pools: { directory: tmpdir(), regions: 1 } } as unknown as WorkerSettings;
  try {
    await expect(Workers.start({ count: 1, settings, logger, clock })).rejects.toThrow(
      `not ready in time, ${START_ATTEMPTS_MAX} times`,
    );
    const processes = spawn.mock.results.map(({ value }) => value as Bun.Subprocess);
    expect(processes).toHaveLength(START_ATTEMPTS_MAX);
    await Promise.all(processes.map(({ exited }) => exited));
    for (const { signalCode } of processes) expect(signalCode).toBe("SIGKILL");
  } finally {
    spawn.mockRestore();
  }
  const waits: number[] = [];
  const watching: Clock = {
    now: systemClock.now,
    after(ms, run) {
      waits.push(ms);
      return systemClock.after(0, run);
    },
  };
  await expect(Workers.start({ count: 1, settings, logger, clock: watching })).rejects.toThrow();
  expect(waits[0]).toBe(READY_MS_MAX);
}, 20_000);

test("METRICS_MS_MAX: a worker that does not respond counts as last reported", async () => {
  const clock = createManualClock();
  const sent: unknown[] = [];
  const worker = new WorkerProcess({
    index: 0,
    settings: {} as unknown as WorkerSettings,
    clock,
    restartMs: 0,
    onExit: () => undefined,
    spawn: () => ({ send: (message: unknown) => sent.push(message) }) as unknown as Bun.Subprocess,
  });
  let reported: unknown;
  const asked = worker.metrics().then((metrics) => {
    reported = metrics;
  });
  clock.advanceNow(METRICS_MS_MAX - 1);
  await settle();
  expect([sent, reported]).toEqual([[{ type: "metrics?" }], undefined]);
  clock.advanceNow(1);
  await asked;
  expect(reported).toBe(worker.lastMetrics);
});
