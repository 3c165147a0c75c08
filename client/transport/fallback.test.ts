/** When the SDK polls, and when it retries a stream. */

import { expect, test } from "bun:test";
import { createManualClock } from "../../testing/manual-clock.ts";
import { POLL_MS, SILENT_STREAMS_MAX } from "../limits.ts";
import { Fallback } from "./fallback.ts";

function world() {
  const clock = createManualClock();
  return { clock, fallback: new Fallback(clock, () => 0) };
}

test("two silent streams are followed by a poll, a silent poll by streams", () => {
  const { fallback } = world();
  fallback.silent(true);
  expect(fallback.polls).toBe(false);
  fallback.silent(true);
  expect(fallback.polls).toBe(true);
  fallback.silent(true);
  expect(fallback.polls).toBe(false);
});

test("a stream that opened between two silent ones shows that streams come through", () => {
  const { fallback } = world();
  fallback.silent(true);
  fallback.opened(() => {});
  fallback.silent(true);
  expect(fallback.polls).toBe(false);
});

test("a polling client retries a stream with a doubled wait, up to a limit", async () => {
  const { clock, fallback } = world();
  const waits: number[] = [];
  for (let count = 0; count < 7; count++) {
    fallback.heldBack();
    const startedAt = clock.now();
    let tried = false;
    fallback.opened(() => {
      tried = true;
      waits.push(clock.now() - startedAt);
    });
    while (!tried) await clock.advance(30_000);
    expect(fallback.polls).toBe(false);
    fallback.ended();
  }
  const { first, longest } = POLL_MS;
  expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30].map((times) => times * first));
  expect(longest).toBe(30 * first);
});

test("polls that open a new connection each time are followed by a stream no later", async () => {
  const { clock, fallback } = world();
  fallback.heldBack();
  const startedAt = clock.now();
  let triedAt: number | undefined;
  while (triedAt === undefined && clock.now() - startedAt < 2 * POLL_MS.first) {
    fallback.opened(() => {
      triedAt = clock.now();
    });
    await clock.advance(1000);
    // Every now and then the connection is lost as well.
    if ((clock.now() - startedAt) % 7000 === 0) fallback.ended();
  }
  expect((triedAt ?? Number.POSITIVE_INFINITY) - startedAt).toBeLessThanOrEqual(
    POLL_MS.first + 1000,
  );
});

test("another network begins with a stream, and a closed connection has no timer", () => {
  const { clock, fallback } = world();
  fallback.heldBack();
  fallback.opened(() => {});
  fallback.ended();
  expect(clock.pending).toBe(0);
  fallback.forget();
  expect(fallback.polls).toBe(false);
});

test("SILENT_STREAMS_MAX silent streams are followed by a poll, not fewer", () => {
  const { fallback } = world();
  for (let stream = 1; stream < SILENT_STREAMS_MAX; stream++) fallback.silent(true);
  expect(fallback.polls).toBe(false);
  fallback.silent(true);
  expect(fallback.polls).toBe(true);
});

test("streams without a server: a stream follows the first answered poll at once", async () => {
  const { clock, fallback } = world();
  for (let stream = 0; stream < SILENT_STREAMS_MAX; stream++) fallback.silent(false);
  expect(fallback.polls).toBe(true);
  let tried = 0;
  fallback.opened(() => tried++);
  await clock.advance(1);
  expect(tried).toBe(1);
  expect(fallback.polls).toBe(false);
});

test("where polls are answered and streams are not, the client polls on", async () => {
  const { clock, fallback } = world();
  const waits: number[] = [];
  for (let count = 0; count < 3; count++) {
    for (let stream = 0; stream < SILENT_STREAMS_MAX; stream++) fallback.silent(false);
    expect(fallback.polls).toBe(true);
    const startedAt = clock.now();
    const tries = waits.length;
    fallback.opened(() => waits.push(clock.now() - startedAt));
    while (waits.length === tries) await clock.advance(1000);
    fallback.ended();
  }
  expect(waits).toEqual([0, POLL_MS.first, 2 * POLL_MS.first]);
});
