import { afterEach, expect, test } from "bun:test";
import { until } from "../../testing/until.ts";
import type { Frontend } from "../frontend.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { newFrontend } from "../testing/new-frontend.ts";
import { Viewer } from "../testing/viewer.ts";

const video = topic("video:42");
let frontend: Frontend | undefined;
afterEach(() => frontend?.stop());

test("a late page of the log that is behind the frontend is no sign of another log", async () => {
  const upstream = new ModelUpstream();
  frontend = newFrontend(upstream, { reportMs: 20 });
  upstream.inboxes.push(frontend);
  frontend.start();
  const viewer = new Viewer(frontend, [video]);
  await until(() => viewer.connection.ready);
  upstream.append(video, 1);
  const missing = upstream.append(video, 2, { deliver: false });
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const read = upstream.read.bind(upstream);
  upstream.read = async (...asked) => {
    const page = await read(...asked);
    await arrived;
    return page;
  };
  upstream.append(video, 3);
  await until(() => upstream.calls.read === 1, "the log is asked for the missing one");
  upstream.send([missing]);
  for (const number of [4, 5]) upstream.append(video, number);
  await until(() => viewer.seqs(video).length === 5);
  arrive();
  await Bun.sleep(60);
  expect(viewer.ended).toBe(false);
  upstream.append(video, 6);
  await until(() => viewer.seqs(video).length === 6);
  expect(viewer.seqs(video)).toEqual([1, 2, 3, 4, 5, 6]);
});
