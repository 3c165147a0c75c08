import { afterEach, expect, test } from "bun:test";
import { until } from "../../testing/until.ts";
import type { Frontend } from "../frontend.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { newFrontend } from "../testing/new-frontend.ts";
import { Viewer } from "../testing/viewer.ts";

/** All viewers of a frontend that died are back on others within this … */
const BACK_MS_MAX = 5000;
/** … of which the way back, of thousands at a time, may take this much. */
const WAY_BACK_MS = 1500;

let frontend: Frontend | undefined;
afterEach(() => frontend?.stop());

test("after a cut each viewer gets its own time to reconnect, in the window", async () => {
  const draws = [0, 0.25, 0.5, 0.75, 0.999_999];
  let draw = 0;
  const started = newFrontend(new ModelUpstream(), { random: () => draws[draw] ?? 0 });
  frontend = started;
  started.start();
  const told: number[] = [];
  for (; draw < draws.length; draw++) {
    const viewer = new Viewer(started, [topic("video:42")]);
    await until(() => viewer.retryMs !== undefined);
    told.push(viewer.retryMs ?? 0);
  }
  const gaps = told.slice(1).map((ms, index) => ms - (told[index] ?? 0));
  expect(told[0]).toBeGreaterThan(0);
  expect(Math.min(...gaps)).toBeGreaterThan(0);
  // Level over the whole time: no second sees more than its share.
  expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
  expect(told.at(-1)).toBeLessThanOrEqual(BACK_MS_MAX - WAY_BACK_MS);
  expect(told.at(-1)).toBeGreaterThan(2000);
});
