/**
 * What the machine runs out of: files that the process may open, and time while a large broadcast
 * is in progress.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { Viewer } from "../../testing/viewer.ts";
import { percentile } from "./testing/witness.ts";

test("more sockets than files: streams continue, and newcomers connect", async () => {
  const server = await Server.start({ descriptorsMax: 200 });
  // Connections that are there before: a viewer, and a client that keeps its connection.
  const viewer = new Viewer({ port: server.port, path: "/v1/events?topic=video:files" });
  await until(() => viewer.isConnected, "connected");
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const like = () =>
    post(server.port, "/v1/videos/files/likes", '{"kind":"like","count":1}', agent);
  expect(await like()).toBe(202);

  const flood: Socket[] = Array.from({ length: 400 }, () => connect(server.port, "127.0.0.1"));
  for (const socket of flood) socket.on("error", () => {});
  await Bun.sleep(500);
  // Silent ones are evicted for each other, and for a client with a request.
  expect(await server.metric("ovation_http_cuts_total", { reason: "crowded" })).toBeGreaterThan(
    200,
  );
  const among = new Viewer({ port: server.port, path: "/v1/events?topic=video:files" });
  await until(() => among.isConnected, "a viewer connects among them", 5000);
  for (let count = 0; count < 10; count++) {
    expect(await like()).toBe(202);
    await Bun.sleep(300);
  }
  expect(await server.metric("process_open_fds")).toBeLessThan(200);
  const total = () => viewer.of("likes").reduce((sum, { data }) => sum + data.like, 0);
  await until(() => total() === 11, "the viewer has all likes");
  expect([...viewer.gone, ...among.gone]).toEqual([]);

  for (const socket of flood) socket.destroy();
  const later = new Viewer({ port: server.port, path: "/v1/events?topic=video:files" });
  await until(() => later.isConnected, "a new viewer connects", 25_000);
  expect(await server.metric("process_max_fds")).toBe(200);
  await until(
    async () => (await server.metric("process_open_fds")) < 100,
    "the files are free again",
  );
  expect(server.output).not.toContain("fatal");
  viewer.close();
  among.close();
  later.close();
  agent.destroy();
  await server.stop();
}, 60_000);

describe("a large broadcast", () => {
  const VIEWERS = 2500;
  let server: Server;
  let viewers: Viewer[] = [];
  beforeAll(async () => {
    server = await Server.start({ flags: ["--rate-limits", "off"] });
    const path = "/v1/events?topic=video:large";
    for (let count = 0; count < VIEWERS; count += 250) {
      viewers.push(
        ...Array.from(
          { length: 250 },
          (_, index) => new Viewer({ port: server.port, path, from: `127.0.3.${index + 1}` }),
        ),
      );
      await until(() => viewers.every((viewer) => viewer.isConnected), "connected", 30_000);
    }
    // They read so late that the test's own process is not the one that is measured.
    for (const viewer of viewers) viewer.pause();
  }, 90_000);
  afterAll(async () => {
    for (const viewer of viewers) viewer.close();
    viewers = [];
    await server.stop();
  });

  test("yields: health checks and connects during it are about as fast as without", async () => {
    const calm = await probe(30);
    // Every event is a broadcast to all: some hundred thousand writes while the probes run.
    let broadcasting = true;
    const publishing = (async () => {
      for (let number = 0; broadcasting; number++) {
        await server.publish([{ topic: "video:large", type: "goal", data: { number } }]);
        // So few that the kernel holds them all for viewers who read later.
        await Bun.sleep(15);
      }
    })();
    await until(
      async () => (await server.metric("ovation_frontend_writes_total")) > VIEWERS * 3,
      "broadcasts have begun",
    );
    const busy: number[] = [];
    while ((await server.metric("ovation_frontend_writes_total")) < VIEWERS * 20)
      busy.push(...(await probe(10)));
    broadcasting = false;
    await publishing;
    // A slice is 8 ms; a broadcast to all would be several of them, and a queue of those without
    // end.
    expect(percentile(busy, 0.5)).toBeLessThan(Math.max(percentile(calm, 0.5) * 20, 150));
    expect(percentile(busy, 0.9)).toBeLessThan(Math.max(percentile(calm, 0.9) * 20, 400));
  }, 60_000);

  /** ms that health checks and connects took, each on a connection of its own. */
  async function probe(count: number): Promise<readonly number[]> {
    const took: number[] = [];
    for (let round = 0; round < count; round++) {
      const at = performance.now();
      if (round % 2 === 0) expect((await server.get("/healthz")).status).toBe(200);
      else {
        const viewer = new Viewer({ port: server.port, path: "/v1/events?topic=video:probe" });
        await until(() => viewer.isConnected, "connected");
        viewer.close();
      }
      took.push(performance.now() - at);
    }
    return took;
  }
});

function post(port: number, path: string, body: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: "127.0.0.1",
        port,
        path,
        method: "POST",
        agent,
        headers: { "content-length": body.length },
      },
      (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
      },
    );
    asked.on("error", reject);
    asked.setTimeout(10_000, () => asked.destroy(new Error("no answer in 10 s")));
    asked.end(body);
  });
}
