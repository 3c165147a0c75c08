/** Broadcasts by descriptor, and by the sockets of the runtime: every viewer gets the same. */

import { afterAll, describe, expect, test } from "bun:test";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { Viewer } from "../../testing/viewer.ts";

const VIEWERS = 20;
const EVENTS = 50;
const servers: Server[] = [];
const viewers: Viewer[] = [];

afterAll(async () => {
  for (const viewer of viewers) viewer.close();
  await Promise.all(servers.map((server) => server.stop()));
});

describe.each(["on", "off"])("--direct-send %s", (directSend) => {
  test("every viewer gets every event, in order, also one that reads late", async () => {
    const flags = ["--direct-send", directSend];
    const server = await Server.start({ flags, rateLimits: "off" });
    servers.push(server);
    const path = "/v1/events?topic=video:1";
    const all = Array.from({ length: VIEWERS }, () => new Viewer({ port: server.port, path }));
    viewers.push(...all);
    await until(() => all.every((viewer) => viewer.isConnected), "all are connected");
    const late = all[0];
    late?.pause();
    for (let number = 1; number <= EVENTS; number++)
      await server.publish([{ topic: "video:1", type: "goal", data: { number }, durable: true }]);
    late?.resume();
    const numbers = Array.from({ length: EVENTS }, (_, index) => index + 1);
    for (const viewer of all) {
      await until(() => viewer.of("goal").length >= EVENTS, "all events");
      expect(viewer.of("goal").map(({ data }) => data.number)).toEqual(numbers);
    }
  }, 60_000);
});
