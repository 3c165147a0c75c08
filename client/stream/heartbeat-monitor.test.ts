import { expect, test } from "bun:test";
import { createManualClock } from "../../testing/manual-clock.ts";
import { HEARTBEATS_MISSED_MAX } from "../limits.ts";
import { HeartbeatMonitor } from "./heartbeat-monitor.ts";

const HEARTBEAT_MS = 10_000;
const MISSED_MS = HEARTBEATS_MISSED_MAX * HEARTBEAT_MS;

function begin(seesHeartbeats: boolean) {
  const clock = createManualClock();
  const calls: string[] = [];
  const monitor: HeartbeatMonitor = new HeartbeatMonitor(clock, () => 0.5, {
    seesHeartbeats,
    onMissed() {
      calls.push("missed");
      monitor.stop();
    },
    onSilent: () => void calls.push("silent"),
  });
  monitor.seen();
  monitor.start(HEARTBEAT_MS);
  return { clock, calls, monitor };
}

test("a connection with heartbeats is dead when too many are missing", async () => {
  const { clock, calls, monitor } = begin(true);
  await clock.advance(MISSED_MS - 1);
  monitor.seen();
  await clock.advance(MISSED_MS - 1);
  expect(calls).toEqual([]);
  await clock.advance(1);
  expect(calls).toEqual(["missed"]);
  expect(clock.pending).toBe(0);
});

test("where heartbeats are hidden, silence asks the server, repeatedly, with jitter", async () => {
  const { clock, calls } = begin(false);
  await clock.advance(MISSED_MS);
  expect(calls).toEqual(["silent"]);
  await clock.advance(MISSED_MS * 1.5 - 1);
  expect(calls).toEqual(["silent"]);
  await clock.advance(1);
  expect(calls).toEqual(["silent", "silent"]);
});

test("a page that wakes asks after one silent heartbeat where they are hidden", async () => {
  const hidden = begin(false);
  await hidden.clock.advance(HEARTBEAT_MS - 1);
  hidden.monitor.wake();
  expect(hidden.calls).toEqual([]);
  await hidden.clock.advance(1);
  hidden.monitor.wake();
  expect(hidden.calls).toEqual(["silent"]);

  const seen = begin(true);
  await seen.clock.advance(HEARTBEAT_MS);
  seen.monitor.wake();
  expect(seen.calls).toEqual([]);
});

test("without heartbeats, and when stopped, nothing is checked", async () => {
  const { clock, calls, monitor } = begin(true);
  monitor.start(0);
  expect(clock.pending).toBe(0);
  monitor.start(HEARTBEAT_MS);
  monitor.stop();
  await clock.advance(MISSED_MS * 3);
  monitor.wake();
  expect(calls).toEqual([]);
});
