import { expect, test } from "bun:test";
import type { Clock } from "@ovation/protocol";
import { createApi, sleep } from "./api.ts";
import { ATTEMPTS_MAX, TIMER_MS_MAX } from "./limits.ts";

/** Time that passes as fast as it is waited for. */
function instantClock(): { readonly clock: Clock; readonly waits: number[] } {
  const waits: number[] = [];
  const clock: Clock = {
    now: () => 0,
    after(ms, run) {
      waits.push(ms);
      setImmediate(run);
      return () => undefined;
    },
  };
  return { clock, waits };
}

test("ATTEMPTS_MAX: attempts of a request while the server fails", async () => {
  let failing = ATTEMPTS_MAX - 1;
  let requests = 0;
  const server = Bun.serve({
    port: 0,
    fetch() {
      requests++;
      return failing-- > 0
        ? new Response("down", { status: 503 })
        : Response.json({ seq: 7 }, { status: 201 });
    },
  });
  const { clock, waits } = instantClock();
  const api = createApi({
    url: `http://127.0.0.1:${server.port}`,
    clock,
    random: () => 1,
    signal: new AbortController().signal,
  });
  expect(await api.comment("1", "hello", "k", "token")).toBe(7);
  expect([requests, waits.length]).toEqual([ATTEMPTS_MAX, ATTEMPTS_MAX - 1]);
  [failing, requests] = [ATTEMPTS_MAX, 0];
  await expect(api.comment("1", "hello", "k", "token")).rejects.toThrow(`${ATTEMPTS_MAX} times`);
  expect(requests).toBe(ATTEMPTS_MAX);
  await server.stop(true);
});

test("TIMER_MS_MAX: a longer wait is made of several timers", async () => {
  const { clock, waits } = instantClock();
  const { signal } = new AbortController();
  await sleep(clock, TIMER_MS_MAX, signal);
  expect(waits.splice(0)).toEqual([TIMER_MS_MAX]);
  await sleep(clock, 2 * TIMER_MS_MAX + 5, signal);
  expect(waits).toEqual([TIMER_MS_MAX, TIMER_MS_MAX, 5]);
});
