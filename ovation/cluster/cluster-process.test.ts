import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock, type ManualClock } from "../../testing/manual-clock.ts";
import { until } from "../../testing/until.ts";
import { READY_MS_MAX, STOP_MS_MAX, startProcess } from "./cluster-process.ts";

const directory = mkdtempSync(join(tmpdir(), "ovation-cluster-process-"));
/** Listens nowhere, and does not end by SIGTERM. */
const program = join(directory, "deaf.ts");
let clock: ManualClock;

beforeAll(() => {
  writeFileSync(
    program,
    'process.on("SIGTERM", () => console.error("termed")); setInterval(() => {}, 1000);' +
      ' console.error("loaded");',
  );
});
afterAll(() => rmSync(directory, { recursive: true }));

async function startDeaf() {
  clock = createManualClock();
  const lines: string[] = [];
  const common = { name: "deaf", role: "none", flags: [], environment: {}, internal: false };
  const onLine = (line: string) => lines.push(line);
  const started = await startProcess({ ...common, program, clock, onLine }, "at-once");
  await says(lines, "loaded");
  return { started, lines };
}

async function says(lines: readonly string[], line: string): Promise<void> {
  await until(() => lines.includes(line));
}

test("READY_MS_MAX: a start waits so long for an answer, and fails", async () => {
  const { started } = await startDeaf();
  try {
    let failure = "";
    const ready = started.ready().catch((error: Error) => {
      failure = error.message;
    });
    clock.advanceNow(READY_MS_MAX);
    await Bun.sleep(200);
    expect(failure).toBe("");
    clock.advanceNow(1);
    await ready;
    expect(failure).toBe("deaf was not ready in time");
  } finally {
    await started.kill();
  }
});

test("STOP_MS_MAX: a process that does not end by SIGTERM is killed then", async () => {
  const { started, lines } = await startDeaf();
  const terminated = started.terminate();
  await says(lines, "termed");
  clock.advanceNow(STOP_MS_MAX - 1);
  await Bun.sleep(200);
  expect(started.running).toBe(true);
  clock.advanceNow(1);
  expect((await terminated).code).toBe(137);
  expect(started.running).toBe(false);
});
