/** A short run of each form, on real processes. Longer ones: `npm run faults`. */

import { expect, test } from "bun:test";
import { DISK_FAULTS } from "./injectors/disk-fault-kinds.ts";
import { formatReport } from "./report.ts";
import { runFaults } from "./run.ts";

const SEED = 14;

test("no promise of either lane is broken by faults on one process", async () => {
  const report = await runFaults({
    topology: "one",
    seed: SEED,
    durationMs: 7500,
    kinds: ["SIGTERM", "second server", "kill -9", "viewers"],
    viewers: { sdk: 4, plain: 2 },
    epilogue: false,
  });
  expect(report.ok || formatReport(report)).toBe(true);
  expect(Object.keys(report.faults).length).toBeGreaterThan(1);
  expect(report.verdict.durable.acknowledged).toBeGreaterThan(20);
}, 120_000);

test("damaged files are served right or refused by name; acknowledged events stay", async () => {
  const report = await runFaults({
    topology: "one",
    seed: SEED,
    durationMs: 9000,
    kinds: Object.values(DISK_FAULTS),
    viewers: { sdk: 2, plain: 1 },
    epilogue: false,
  });
  expect(report.ok || formatReport(report)).toBe(true);
  expect(Object.keys(report.faults).length).toBeGreaterThan(1);
  expect(report.verdict.durable.acknowledged).toBeGreaterThan(20);
}, 120_000);

test("no promise of either lane is broken by faults on a cluster", async () => {
  const report = await runFaults({
    topology: "cluster",
    seed: SEED,
    durationMs: 7000,
    kinds: ["SIGTERM", "kill -9", "wire", "answers lost"],
    viewers: { sdk: 4, plain: 2 },
    epilogue: false,
  });
  expect(report.ok || formatReport(report)).toBe(true);
  expect(Object.keys(report.faults).length).toBeGreaterThan(1);
  expect(report.verdict.durable.acknowledged).toBeGreaterThan(20);
}, 120_000);
