import { expect, test } from "bun:test";
import type { Moment } from "@ovation/protocol";
import { createManualClock } from "../../testing/manual-clock.ts";
import { LogEpoch } from "./log-epoch.ts";
import { Watermark } from "./watermark.ts";

/** A log whose answers the test chooses. */
function world(reached: (moment: Moment) => Promise<boolean>) {
  const clock = createManualClock();
  const watermark = new Watermark();
  const steps: string[] = [];
  const logEpoch = new LogEpoch({
    hub: { watermark } as never,
    upstream: {
      reached: (moment: Moment) => {
        steps.push(`reached ${moment.epoch}`);
        return reached(moment);
      },
    } as never,
    clock,
    random: () => 0,
    beginReports: async () => void steps.push("reports"),
    compareHeads: async () => void steps.push("heads"),
    onFailure: (what) => void steps.push(`failed ${what}`),
  });
  return { clock, watermark, steps, logEpoch };
}

test("a restart: the log confirms every moment, and ids name the newest epoch alone", async () => {
  const { clock, watermark, steps } = world(async () => true);
  watermark.note("epoch1", 10);
  watermark.note("epoch2", 20);
  await clock.advance(0);
  expect(steps).toEqual(["reached epoch2", "reached epoch1"]);
  expect(watermark.reach).toEqual([{ epoch: "epoch2", stamp: 20 }]);
});

test("a restore: reports begin again, then heads are compared, then ids change", async () => {
  const { clock, watermark, steps } = world(async ({ epoch }) => epoch === "epoch2");
  watermark.note("epoch1", 30);
  watermark.note("epoch2", 20);
  await clock.advance(0);
  expect(steps).toEqual(["reached epoch2", "reached epoch1", "failed log", "reports", "heads"]);
  expect(watermark.reach.map(({ epoch }) => epoch)).not.toContain("epoch1");
});

test("while the log is unreachable the epochs stay in doubt, and it is asked again", async () => {
  let isAway = true;
  const { clock, watermark, steps } = world(async () => {
    if (isAway) throw new Error("unreachable");
    return true;
  });
  watermark.note("epoch1", 10);
  watermark.note("epoch2", 20);
  await clock.advance(60_000);
  expect(watermark.reach).toHaveLength(2);
  expect(steps.filter((step) => step === "failed log").length).toBeGreaterThan(3);
  isAway = false;
  await clock.advance(60_000);
  expect(watermark.reach).toEqual([{ epoch: "epoch2", stamp: 20 }]);
});

test("after a stop nothing more is asked", async () => {
  const { clock, watermark, steps, logEpoch } = world(async () => {
    throw new Error("unreachable");
  });
  logEpoch.stop();
  watermark.note("epoch1", 10);
  watermark.note("epoch2", 20);
  await clock.advance(60_000);
  expect(steps).toEqual([]);
});
