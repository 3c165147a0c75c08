import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Log, type LogKeeper, openLog } from "@ovation/log";
import { DEFAULT_POLICY, type Policy, type Topic, toJsonText, topicOf } from "@ovation/protocol";
import { createManualClock, settle } from "../../testing/manual-clock.ts";
import { startPostgres } from "../../testing/postgres.ts";
import { until } from "../../testing/until.ts";
import {
  PASS_EVENTS_MAX,
  PASS_EVERY_MS_MAX,
  PASS_EVERY_MS_MIN,
  retentionOf,
  startUpkeep,
} from "./upkeep.ts";

setDefaultTimeout(60_000);

const KEPT = 500;
const POLICY: Policy = {
  ...DEFAULT_POLICY,
  few: {
    subscribe: "anyone",
    viewers: false,
    types: {},
    defaultType: { lane: "durable" },
    retention: { eventsMax: KEPT },
  },
};

async function append(log: Log, topic: Topic, count: number): Promise<void> {
  const entry = { topic, type: "goal", at: 1, data: toJsonText({}) };
  await log.append(Array.from({ length: count }, () => entry));
}

/** 1,000 events a second for some seconds into three topics, by the log's own upkeep. */
async function keepsUp(log: Log & LogKeeper): Promise<void> {
  const stop = startUpkeep({
    keeper: log,
    tasks: [retentionOf(log)],
    onFailure: (_, error) => {
      throw error;
    },
  });
  const topics = ["a", "b", "c"].map((id) => topicOf("few", id));
  for (let tick = 0; tick < 60; tick++) {
    for (const topic of topics) await append(log, topic, 34);
    await Bun.sleep(100);
  }
  // Passes keep a distance to what the last one took, so a busy machine has fewer of them.
  const isDone = async () =>
    (await log.heads(topics)).every(({ seq, first }) => seq - first + 1 === KEPT);
  await until(isDone, `each topic has its newest ${KEPT} events`);
  await stop();
  for (const { seq, first } of await log.heads(topics)) {
    expect(seq).toBe(60 * 34);
    expect(seq - first + 1).toBe(KEPT);
  }
}

describe("retention keeps up with 1,000 events a second, fair over topics", () => {
  test("SQLite", async () => {
    const directory = mkdtempSync(join(tmpdir(), "ovation-upkeep-"));
    const log = await openLog({ path: join(directory, "log.sqlite"), policy: POLICY });
    await keepsUp(log);
    await log.close();
    rmSync(directory, { recursive: true });
  });

  test("PostgreSQL, where one of two processes does it", async () => {
    const postgres = await startPostgres();
    const [log, other] = await Promise.all([
      openLog({ url: postgres.url, policy: POLICY }),
      openLog({ url: postgres.url, policy: POLICY }),
    ]);
    let trimmedByOther = 0;
    let hasClaimed = false;
    const stop = startUpkeep({
      keeper: log,
      tasks: [
        {
          name: "nothing",
          async run() {
            hasClaimed = true;
            return { more: false };
          },
        },
      ],
      onFailure: () => undefined,
    });
    await until(() => hasClaimed, "the first process has the claim");
    const stopOther = startUpkeep({
      keeper: other,
      tasks: [
        {
          name: "counted",
          async run() {
            trimmedByOther++;
            return { more: false };
          },
        },
      ],
      onFailure: () => undefined,
    });
    await keepsUp(log);
    await Promise.all([stop(), stopOther()]);
    expect(trimmedByOther).toBe(0);
    await Promise.all([log.close(), other.close()]);
    await postgres.stop();
  });
});

describe("upkeep", () => {
  test("a task that fails is said and does not keep the others from running", async () => {
    const clock = createManualClock();
    const failures: string[] = [];
    let ran = 0;
    const stop = startUpkeep({
      keeper: { claimUpkeep: async () => true },
      clock,
      tasks: [
        {
          name: "broken",
          run: () => Promise.reject(new Error("no")),
        },
        {
          name: "whole",
          async run() {
            ran++;
            return { more: false };
          },
        },
      ],
      onFailure: (what) => failures.push(what),
    });
    await settle();
    clock.advanceNow(PASS_EVERY_MS_MIN);
    await settle();
    expect({ failures, ran }).toEqual({ failures: ["broken", "broken"], ran: 2 });
    await stop();
  });

  test("PASS_EVENTS_MAX: a pass that drops so many has more to drop", async () => {
    for (const dropped of [PASS_EVENTS_MAX - 1, PASS_EVENTS_MAX]) {
      const asked: number[] = [];
      const log = {
        async trim(eventsMax: number) {
          asked.push(eventsMax);
          return dropped;
        },
      } as Partial<LogKeeper> as LogKeeper;
      expect(await retentionOf(log).run()).toEqual({ more: dropped === PASS_EVENTS_MAX });
      expect(asked).toEqual([PASS_EVENTS_MAX]);
    }
  });

  test("PASS_EVERY_MS_MAX: after a pass that took long, the next one comes that soon", async () => {
    const clock = createManualClock();
    let ran = 0;
    const stop = startUpkeep({
      keeper: { claimUpkeep: async () => true },
      clock,
      tasks: [
        {
          name: "slow",
          async run() {
            ran++;
            clock.advanceNow(PASS_EVERY_MS_MAX);
            return { more: false };
          },
        },
      ],
      onFailure: () => undefined,
    });
    await settle();
    clock.advanceNow(PASS_EVERY_MS_MAX - 1);
    await settle();
    expect(ran).toBe(1);
    clock.advanceNow(1);
    await settle();
    expect(ran).toBe(2);
    await stop();
  });
});
