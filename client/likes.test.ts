import { expect, test } from "bun:test";
import { createManualClock } from "../testing/manual-clock.ts";
import { Likes } from "./likes.ts";
import { LIKES_WAITING_MAX } from "./limits.ts";
import { ApiError } from "./requests/api-error.ts";
import type { SendRequest } from "./requests/request.ts";

function setUp(answer: () => Promise<unknown> = async () => ({})) {
  const clock = createManualClock(1_000_000);
  const sent: string[] = [];
  const send: SendRequest = (_method, _path, options = {}) => {
    const { kind, count } = options.body as { kind: string; count: number };
    sent.push(
      `${clock.now() - 1_000_000} ${kind} ${count}${options.keepalive ? " keepalive" : ""}`,
    );
    return answer();
  };
  return { clock, sent, likes: new Likes("/likes", send, clock) };
}

test("the first tap leaves at once, those of the next second together", async () => {
  const { clock, sent, likes } = setUp();
  likes.tap("like", 1);
  await clock.advance(0);
  for (let tap = 0; tap < 7; tap++) {
    likes.tap("like", 1);
    await clock.advance(100);
  }
  await clock.advance(5000);
  expect(sent).toEqual(["0 like 1", "1000 like 7"]);
});

test("one request carries twenty at most, the rest follow a second later", async () => {
  const { clock, sent, likes } = setUp();
  likes.tap("like", 45);
  await clock.advance(10_000);
  expect(sent).toEqual(["0 like 20", "1000 like 20", "2000 like 5"]);
});

test("kinds take turns", async () => {
  const { clock, sent, likes } = setUp();
  likes.tap("like", 30);
  likes.tap("clap", 2);
  await clock.advance(10_000);
  expect(sent).toEqual(["0 like 20", "1000 clap 2", "2000 like 10"]);
});

test("pending taps are bounded", async () => {
  const { clock, sent, likes } = setUp();
  for (let tap = 0; tap < 1000; tap++) likes.tap("like", 10);
  await clock.advance(60_000);
  expect(sent).toHaveLength(LIKES_WAITING_MAX / 20);
});

test("a rate limit is waited out without loss; a lost request is not retried", async () => {
  let refusals = 1;
  const { clock, sent, likes } = setUp(() => {
    if (refusals-- > 0) return Promise.reject(new ApiError("rate-limited", 429, "slow down", 4000));
    return Promise.reject(new ApiError("network", 0, "lost"));
  });
  likes.tap("like", 3);
  await clock.advance(60_000);
  expect(sent).toEqual(["0 like 3", "4000 like 3"]);
});

test("a page that closes sends its pending taps", async () => {
  const { clock, sent, likes } = setUp();
  likes.tap("like", 1);
  await clock.advance(10);
  likes.tap("like", 4);
  likes.flush();
  await clock.advance(5000);
  expect(sent).toEqual(["0 like 1", "10 like 4 keepalive"]);
});

test("an invalid count is ignored", async () => {
  const { clock, sent, likes } = setUp();
  for (const count of [0, -3, Number.NaN]) likes.tap("like", count);
  await clock.advance(5000);
  expect(sent).toEqual([]);
});
