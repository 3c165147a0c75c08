import { expect, test } from "bun:test";
import { until } from "../../testing/until.ts";
import { RECOVERY_ROUNDS_MAX, RING_BYTES_MAX } from "../limits.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { runningFrontends } from "../testing/running-frontends.ts";
import { Viewer } from "../testing/viewer.ts";

const startFrontend = runningFrontends();
const video = topic("video:42");
const LIVE_BYTES = 32 * 1024;
const LIVE_EVENTS = Math.ceil(RING_BYTES_MAX / LIVE_BYTES) + 2;

/** A viewer returns, and in each of `rounds` rounds of its replay the ring runs ahead of it. */
async function overtake(rounds: number) {
  const failures: string[] = [];
  const upstream = new ModelUpstream();
  const onFailure = (_what: string, error: unknown) => void failures.push(String(error));
  const frontend = startFrontend(upstream, { onFailure });
  const stays = new Viewer(frontend, [video]);
  const left = new Viewer(frontend, [video]);
  await until(() => left.connection.ready && stays.connection.ready);
  upstream.append(video, "1");
  await until(() => left.of("comment").length === 1);
  frontend.closed(left.connection, "left");
  upstream.append(video, "2");
  await until(() => stays.seqs(video).length === 2);
  const back = new Viewer(frontend, [video], { lastEventId: left.lastEventId });
  back.stall();
  for (let round = 1; round <= rounds; round++) {
    await until(() => back.seqs(video).length === round, `page ${round}`);
    upstream.append(video, String(round + 2));
    const seen = stays.of("note").length;
    for (let count = 0; count < LIVE_EVENTS; count++) {
      upstream.live(video, "note", { text: "x".repeat(LIVE_BYTES) });
      await until(() => stays.of("note").length === seen + count + 1);
    }
    back.drain();
    back.stall();
  }
  return { back, failures };
}

test("RECOVERY_ROUNDS_MAX: a replay that is overtaken so often is given up", async () => {
  const { back, failures } = await overtake(RECOVERY_ROUNDS_MAX);
  await until(() => back.ended);
  expect(back.seqs(video)).toHaveLength(RECOVERY_ROUNDS_MAX);
  expect(failures.join()).toContain("the broadcast kept overtaking this replay");
  expect(back.of("reconnect")).toHaveLength(1);
}, 30_000);

test("a replay that is overtaken once less than RECOVERY_ROUNDS_MAX becomes whole", async () => {
  const { back, failures } = await overtake(RECOVERY_ROUNDS_MAX - 1);
  await until(() => back.seqs(video).length === RECOVERY_ROUNDS_MAX);
  back.drain();
  await until(() => back.connection.open);
  expect(failures).toEqual([]);
}, 30_000);
