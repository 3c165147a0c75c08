import { expect, test } from "bun:test";
import { createManualClock } from "../testing/manual-clock.ts";
import { LIFETIME_MAX_MS, LIFETIME_MIN_MS } from "./limits.ts";
import { ModelUpstream, topic } from "./testing/model-upstream.ts";
import { newFrontend } from "./testing/new-frontend.ts";
import { Viewer } from "./testing/viewer.ts";

test("LIFETIME_MAX_MS: a connection ends at the next heartbeat after it", async () => {
  const clock = createManualClock();
  let drawn = 0;
  const heartbeatMs = 600_000;
  const frontend = newFrontend(new ModelUpstream(), {
    clock,
    random: () => drawn,
    heartbeatMs,
    reportMs: 2 * LIFETIME_MAX_MS,
  });
  frontend.start();
  const first = new Viewer(frontend, [topic("video:1")]);
  drawn = 1;
  const last = new Viewer(frontend, [topic("video:1")]);
  await clock.advance(LIFETIME_MIN_MS - 1000);
  expect([first.ended, last.ended]).toEqual([false, false]);
  await clock.advance(1000 + heartbeatMs / 2);
  expect([first.ended, last.ended]).toEqual([true, false]);
  await clock.advance(LIFETIME_MAX_MS - LIFETIME_MIN_MS - heartbeatMs / 2 - 1000);
  expect(last.ended).toBe(false);
  await clock.advance(1000 + heartbeatMs / 2);
  expect(last.ended).toBe(true);
  expect(frontend.counters).toMatchObject({ closes: { lifetime: 2 } });
  void frontend.stop();
});
