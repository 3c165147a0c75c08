/** `--workers 3`: three frontend processes on one port, which a client cannot tell from one. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificate } from "../../testing/certificate.ts";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { Viewer } from "../../testing/viewer.ts";
import { rawRequest } from "./testing/raw-request.ts";

const WORKERS = 3;
const TOPIC = "video:workers";
const GUESTS_MAX = 5;

const directory = mkdtempSync(join(tmpdir(), "ovation-workers-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Processes that this one has started. */
function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text.trim().split(/\s+/).filter(Boolean).map(Number);
  } catch {
    // The process is gone, and its list with it.
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function startTwoWorkers(port: string): Bun.Subprocess<"ignore", "pipe", "pipe"> {
  const program = join(import.meta.dir, "../bin/ovation");
  const flags = ["--workers", "2", "--port", port, "--data", directory];
  return Bun.spawn(["sh", program, "start", ...flags], {
    env: { ...process.env, OVATION_SECRET: "a-secret-of-at-least-thirty-two-characters" },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** The worker that holds the connection. */
const frontendOf = (viewer: Viewer) =>
  viewer.connectionId.slice(0, viewer.connectionId.indexOf("."));

describe("three workers", () => {
  let server: Server;
  let viewers: Viewer[] = [];
  const published: number[] = [];

  /** A killed child is listed until the server has taken notice of its end. */
  function isReplaced(victim: number): boolean {
    const workers = childrenOf(server.pid);
    return workers.length === WORKERS && !workers.includes(victim);
  }

  /**
   * Asked again where the worker that took it dies over it: the key sees to it that it is stored
   * once.
   */
  async function comment(): Promise<void> {
    const event = {
      topic: TOPIC,
      type: "comment",
      data: { text: "a comment", author: { id: "ana", name: "Ana" } },
      durable: true,
      id: crypto.randomUUID(),
    };
    for (;;) {
      try {
        const [seq] = await server.publish([event]);
        if (seq !== undefined) published.push(seq);
        return;
      } catch (error) {
        if (!String(error).includes("ECONN")) throw error;
      }
    }
  }

  async function allHaveAll(): Promise<void> {
    await until(
      () => viewers.every((viewer) => viewer.seqs(TOPIC).at(-1) === published.at(-1)),
      "all have the last comment",
      25_000,
    );
    for (const viewer of viewers) expect(viewer.seqs(TOPIC)).toEqual(published);
  }

  beforeAll(async () => {
    const policy = join(directory, "policy.yaml");
    writeFileSync(
      policy,
      `limits:\n  guestsPerAddress: { burst: ${GUESTS_MAX}, perSeconds: 3600 }\n`,
    );
    const limits = [
      "--connections-per-address",
      "25",
      "--connections-max",
      "200",
      "--heartbeat-seconds",
      "1",
      "--stuck-seconds",
      "2",
    ];
    server = await Server.start({
      flags: ["--workers", String(WORKERS), "--policy", policy, ...limits],
    });
    // From addresses of their own: the limit is on each address.
    viewers = Array.from(
      { length: 60 },
      (_, index) =>
        new Viewer({
          port: server.port,
          path: `/v1/events?topic=${TOPIC}`,
          from: `127.0.1.${index + 1}`,
          returns: true,
        }),
    );
    await until(() => viewers.every((viewer) => viewer.isConnected), "all are connected");
  }, 60_000);
  afterAll(async () => {
    for (const viewer of viewers) viewer.close();
    await server.stop();
  });

  test("share the connections, and each viewer gets what any worker publishes", async () => {
    expect(new Set(viewers.map(frontendOf)).size).toBe(WORKERS);
    for (let count = 0; count < 20; count++) await comment();
    await allHaveAll();
  });

  test("answer every route alike: what one does not serve itself, it passes on", async () => {
    for (let round = 0; round < 12; round++) {
      expect((await server.get("/")).headers.get("content-type")).toContain("text/html");
      expect((await server.get("/healthz")).status).toBe(200);
      const history = await server.get(`/v1/videos/workers/comments?limit=5`);
      expect(await history.json()).toMatchObject({ head: published.length });
      const like = await server.get("/v1/videos/workers/likes", {
        method: "POST",
        body: '{"kind":"like","count":1}',
      });
      expect(like.status).toBe(202);
      expect((await server.get("/v1/nothing")).status).toBe(404);
      expect(
        Number((await server.get("/", { method: "HEAD" })).headers.get("content-length")),
      ).toBeGreaterThan(100);
      expect((await server.get("/v1/publish", { method: "POST", body: "[]" })).status).toBe(401);
    }
    const { likes } = (await (await server.get("/v1/videos/workers")).json()) as {
      likes: { like: number };
    };
    expect(likes.like).toBe(12);
  });

  test("pass on only what is asked for by its plain path", async () => {
    const bytes = "GET /v1/nothing/../videos HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    expect((await rawRequest({ port: server.port, bytes, withinMs: 5000 })).statuses).toEqual([
      404,
    ]);
  });

  test("change the topics of a connection that another one holds", async () => {
    const holders = [...new Map(viewers.map((viewer) => [frontendOf(viewer), viewer])).values()];
    expect(holders).toBeArrayOfSize(WORKERS);
    for (const viewer of holders) {
      // Each request is a connection of its own, and goes to any worker.
      for (let round = 0; round < 8; round++) {
        const topic = `video:${viewer.connectionId.slice(0, 6)}-${round}`;
        const path = `/v1/connections/${viewer.connectionId}/subscriptions`;
        const response = await server.get(path, {
          method: "PUT",
          body: JSON.stringify({ topics: [topic] }),
        });
        expect(response.status).toBe(200);
        expect(await response.json()).toMatchObject({ results: { [topic]: { ok: true } } });
        await server.publish([{ topic, type: "goal", data: round }]);
        await until(
          () => viewer.of("goal").some((seen) => seen.topic === topic),
          "the event arrives",
        );
        expect(
          (await server.get(path, { method: "DELETE", body: JSON.stringify({ topics: [topic] }) }))
            .status,
        ).toBe(200);
      }
    }
    const unknown = await server.get(
      `/v1/connections/${viewers[0]?.connectionId.slice(0, -4)}AAAA/subscriptions`,
      {
        method: "PUT",
        body: '{"topics":["video:x"]}',
      },
    );
    expect(unknown.status).toBe(412);
  });

  test("answer /metrics as one: whichever is asked, the numbers are those of all", async () => {
    const events = published.length * viewers.length;
    for (let round = 0; round < 6; round++) {
      expect(await server.metric("ovation_frontend_connections")).toBe(viewers.length);
      expect(await server.metric("ovation_frontend_written_events_total")).toBeGreaterThanOrEqual(
        events,
      );
    }
    const text = await (await server.get("/metrics")).text();
    const names = text.split("\n").filter((line) => line.startsWith("# TYPE"));
    expect(new Set(names).size).toBe(names.length);
    expect(await server.metric("process_start_time_seconds")).toBeLessThan(Date.now() / 1000 + 1);
  });

  test("hold each address to the limits that were given, whatever headers it sends", async () => {
    const path = `/v1/events?topic=${TOPIC}`;
    const crowd = Array.from({ length: 150 }, (_, index) => {
      const headers = { "x-ovation-address": `10.0.0.${index}` };
      return new Viewer({ port: server.port, path, from: "127.0.0.9", headers });
    });
    await until(
      () => crowd.every((viewer) => viewer.isConnected || viewer.endedCleanly),
      "all are answered",
    );
    // 25 over all workers; two that look at the same moment may each take the last place.
    const taken = crowd.filter((viewer) => viewer.isConnected).length;
    expect(taken).toBeGreaterThanOrEqual(25);
    expect(taken).toBeLessThan(25 + WORKERS);
    expect(crowd.some((viewer) => viewer.of("reconnect")[0]?.data.reason === "address")).toBe(true);
    for (const viewer of crowd) viewer.close();

    const join = (headers: Record<string, string>) =>
      server.get("/v1/guests", { method: "POST", headers, body: '{"name":"Ana"}' });
    const spoofed: number[] = [];
    for (let count = 0; count < GUESTS_MAX + 3; count++)
      spoofed.push((await join({ "x-ovation-address": `10.1.1.${count}` })).status);
    expect(spoofed.filter((status) => status === 201).length).toBe(GUESTS_MAX);
    expect(spoofed.slice(GUESTS_MAX)).toEqual([429, 429, 429]);
    // A proxy's word counts (here the one on this machine), on whichever worker, and also for what
    // is passed on.
    const forwarded: number[] = [];
    for (let count = 0; count < GUESTS_MAX + 3; count++)
      forwarded.push((await join({ "x-forwarded-for": `203.0.113.${count}` })).status);
    expect(forwarded).toEqual(forwarded.map(() => 201));
    await until(
      async () => (await server.metric("ovation_frontend_connections")) === viewers.length,
      "the crowd is gone",
    );
  });

  test("outlive a killed one: its viewers return whole, no total falls", async () => {
    const before = childrenOf(server.pid);
    expect(before).toBeArrayOfSize(WORKERS);
    const written = await server.metric("ovation_frontend_written_events_total");
    const connects = await server.metric("ovation_frontend_connects_total");
    const [victim] = before;
    if (victim === undefined) throw new Error("no worker");
    const goneBefore = viewers.map((viewer) => viewer.gone.length);
    process.kill(victim, "SIGKILL");
    for (let count = 0; count < 20; count++) {
      await comment();
      await Bun.sleep(50);
    }
    await until(() => viewers.every((viewer) => viewer.isConnected), "all are back", 25_000);
    await allHaveAll();
    const cut = viewers.filter((viewer, index) => viewer.gone.length > (goneBefore[index] ?? 0));
    expect(cut.length).toBeGreaterThan(0);
    expect(cut.length).toBeLessThan(viewers.length);
    await until(() => isReplaced(victim), "there are three again", 20_000);
    expect(childrenOf(server.pid)).not.toContain(victim);
    expect(await server.metric("ovation_frontend_written_events_total")).toBeGreaterThanOrEqual(
      written,
    );
    expect(await server.metric("ovation_frontend_connects_total")).toBe(connects + cut.length);
    expect(await server.metric("ovation_frontend_connections")).toBe(viewers.length);
  }, 60_000);

  test("give back what the addresses of a killed one held, and nothing more", async () => {
    const path = `/v1/events?topic=${TOPIC}`;
    const from = "127.0.0.10";
    const connect25 = async () => {
      const crowd = Array.from({ length: 40 }, () => new Viewer({ port: server.port, path, from }));
      await until(
        () => crowd.every((viewer) => viewer.isConnected || viewer.endedCleanly),
        "all are answered",
      );
      return crowd.filter((viewer) => viewer.isConnected);
    };
    const crowd = await connect25();
    const workers = childrenOf(server.pid);
    const [victim] = workers;
    if (victim === undefined) throw new Error("no worker");
    process.kill(victim, "SIGKILL");
    await until(() => crowd.some((viewer) => viewer.gone.length > 0), "some are cut");
    await until(() => isReplaced(victim), "there are three again", 20_000);
    await until(() => viewers.every((viewer) => viewer.isConnected), "all are back", 25_000);
    const kept = crowd.filter((viewer) => viewer.gone.length === 0);
    expect(kept.length).toBeLessThan(crowd.length);
    const more = await connect25();
    expect(kept.length + more.length).toBeGreaterThanOrEqual(25);
    expect(kept.length + more.length).toBeLessThan(25 + WORKERS);
    for (const viewer of [...crowd, ...more]) viewer.close();
  }, 60_000);

  test("are drained by SIGTERM, all of them, and the whole ends with 0", async () => {
    const workers = childrenOf(server.pid);
    for (const viewer of viewers) viewer.close();
    const last = Array.from(
      { length: 30 },
      (_, index) =>
        new Viewer({
          port: server.port,
          path: `/v1/events?topic=${TOPIC}`,
          from: `127.0.2.${index + 1}`,
        }),
    );
    await until(() => last.every((viewer) => viewer.isConnected), "connected");
    expect(await server.end()).toBe(0);
    await until(() => last.every((viewer) => !viewer.isConnected), "all are gone");
    for (const viewer of last)
      expect(viewer.of("reconnect")[0]?.data).toMatchObject({ reason: "drain" });
    expect(workers.filter(isAlive)).toEqual([]);
  }, 30_000);
});

test("workers whose parent is killed end as well, and the port is free for the next", async () => {
  const server = await Server.start({ flags: ["--workers", "2"] });
  const workers = childrenOf(server.pid);
  expect(workers).toBeArrayOfSize(2);
  await server.kill();
  await until(() => workers.every((pid) => !isAlive(pid)), "the workers are gone");
  await server.run();
  expect(await server.isReady()).toBe(true);
  await server.stop();
}, 60_000);

test("a port in use is an error, also where the other server shares it", async () => {
  for (const reusePort of [false, true]) {
    const other = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      reusePort,
      fetch: () => new Response(),
    });
    const child = startTwoWorkers(String(other.port));
    expect(await child.exited).toBe(1);
    expect(await new Response(child.stderr).text()).toBe(
      `ovation: port ${other.port} is taken; stop what uses it, or give another one with --port\n`,
    );
    await other.stop(true);
  }
}, 30_000);

test("port 0 is one free port for all workers", async () => {
  const child = startTwoWorkers("0");
  let output = "";
  void (async () => {
    for await (const chunk of child.stdout) output += Buffer.from(chunk).toString();
  })();
  await until(() => /http:\/\/localhost:\d+\//.test(output), "it says where it is", 25_000);
  const url = /http:\/\/localhost:\d+/.exec(output)?.[0] ?? "";
  for (let round = 0; round < 6; round++)
    expect((await fetch(`${url}/readyz`, { keepalive: false })).status).toBe(200);
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
}, 40_000);

test("workers speak TLS, HTTP/1.1 and HTTP/2", async () => {
  const tls = makeCertificate(directory);
  const server = await Server.start({ tls, flags: ["--workers", "2"] });
  for (let round = 0; round < 4; round++) {
    const session = connect(server.url, { rejectUnauthorized: false });
    const request = session.request({ ":path": `/v1/events?topic=${TOPIC}` });
    let text = "";
    request.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    await until(() => text.includes("connectionId"), "the stream begins");
    session.destroy();
    expect((await server.get("/v1/videos")).status).toBe(200);
  }
  await server.stop();
}, 60_000);
