import { expect, test } from "bun:test";
import { until } from "../testing/until.ts";
import { STOP_MS_MAX } from "./limits.ts";
import { client, get, serve } from "./testing/client.ts";

test("STOP_MS_MAX: a stop waits no longer for an answer, and cuts its connection", async () => {
  const { port, server } = serve(() => new Promise<Response>(() => undefined));
  const busy = await client(port, get("/never"));
  await Bun.sleep(20);
  const before = performance.now();
  await server.stop(false);
  const tookMs = performance.now() - before;
  expect(tookMs).toBeGreaterThan(STOP_MS_MAX - 50);
  expect(tookMs).toBeLessThan(STOP_MS_MAX + 2_000);
  await until(() => busy.reset === "ECONNRESET", "the cut");
  expect(busy.text()).toBe("");
}, 30_000);
