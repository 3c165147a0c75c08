import { expect, test } from "bun:test";
import { RETIRED_LISTENERS_MAX, RetiredListeners } from "./retired-listeners.ts";

/** A listener with a stream that does not end by itself. */
async function openListener() {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch: () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            controller.enqueue(new TextEncoder().encode("more"));
            await Bun.sleep(20);
          },
        }),
      ),
  });
  const reader = (await fetch(server.url)).body?.getReader();
  const isOpen = async () => (await reader?.read().catch(() => undefined))?.done === false;
  return { server, isOpen, end: () => reader?.cancel() };
}

test("a replaced listener keeps its streams; the oldest of too many is closed", async () => {
  const retired = new RetiredListeners<Bun.Server<undefined>>();
  const listeners = await Promise.all(
    Array.from({ length: RETIRED_LISTENERS_MAX + 1 }, openListener),
  );
  for (const { server } of listeners.slice(0, -1)) retired.add(server);
  expect(retired.all).toHaveLength(RETIRED_LISTENERS_MAX);
  expect(await Promise.all(listeners.map(({ isOpen }) => isOpen()))).not.toContain(false);
  await expect(fetch(listeners[0]?.server.url ?? "")).rejects.toThrow();

  const [oldest, second, ...others] = listeners;
  const last = others.at(-1);
  if (last !== undefined) retired.add(last.server);
  while (await oldest?.isOpen());
  expect(await second?.isOpen()).toBe(true);

  await second?.end();
  for (let time = 0; time < 200 && retired.all.length >= RETIRED_LISTENERS_MAX; time++)
    await Bun.sleep(25);
  expect(retired.all).toHaveLength(RETIRED_LISTENERS_MAX - 1);
  await Promise.all(retired.all.map((server) => server.stop(true)));
}, 20_000);
