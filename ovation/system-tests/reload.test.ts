/** SIGHUP at running processes, with real certificates; and the signals that mean nothing. */

import { afterEach, describe, expect, test } from "bun:test";
import { appendFileSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { makeCertificate } from "../../testing/certificate.ts";
import { freePort } from "../../testing/free-port.ts";
import { Server } from "../../testing/server.ts";
import { until, untilAccepted } from "../../testing/until.ts";
import { signToken } from "../tokens/mod.ts";

const OTHER_SECRET = "a secret of another issuer, long enough";
const directories: string[] = [];
const servers: Server[] = [];
const sessions: ClientHttp2Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
}, 30_000);

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "ovation-reload-"));
  directories.push(directory);
  return directory;
}

/** The serial number of the certificate that a new connection is shown. */
function serialAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

/** A stream whose text grows. */
async function openStream(server: Server) {
  const seen = { text: "", hasEnded: false };
  const response = await server.get("/v1/events?topic=video:v");
  void (async () => {
    for await (const chunk of response.body ?? []) seen.text += Buffer.from(chunk).toString();
  })()
    // An ended process may reset what it had drained.
    .catch(() => undefined)
    .finally(() => {
      seen.hasEnded = true;
    });
  await until(() => seen.text.includes("retry:"), "the stream begins");
  return seen;
}

async function openHttp2Stream(server: Server) {
  const seen = { text: "", hasEnded: false };
  const session = connectHttp2(server.url, { rejectUnauthorized: false });
  sessions.push(session);
  const request = session.request({ ":path": "/v1/events?topic=video:v" });
  request.on("data", (chunk: Buffer) => {
    seen.text += chunk.toString();
  });
  request.on("close", () => {
    seen.hasEnded = true;
  });
  await until(() => seen.text.includes("retry:"), "the stream begins");
  return seen;
}

async function openHttp3Stream(server: Server, position?: string) {
  const seen = { text: "", hasEnded: false };
  const from = position === undefined ? "" : `&last_event_id=${encodeURIComponent(position)}`;
  const response = await server.get(`/v1/events?topic=video:v${from}`, { protocol: "http3" });
  void (async () => {
    for await (const chunk of response.body ?? []) seen.text += Buffer.from(chunk).toString();
  })()
    .catch(() => undefined)
    .finally(() => {
      seen.hasEnded = true;
    });
  await until(() => seen.text.includes("connectionId"), "the stream begins");
  return seen;
}

/** The log lines of reloads; sends SIGHUP and waits for the next one. */
async function reload(server: Server): Promise<Record<string, unknown>> {
  const lines = () => server.output.split("\n").filter((line) => line.includes('"SIGHUP: '));
  const before = lines().length;
  server.signal("SIGHUP");
  await until(() => lines().length > before, "the reload is logged");
  return JSON.parse(lines().at(-1) ?? "{}") as Record<string, unknown>;
}

const statusOf = async (server: Server, path: string, init: BunFetchRequestInit = {}) =>
  (await server.get(path, init)).status;
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

const POLICIES = {
  first: "hosts: [127.0.0.1]\n",
  second: `
hosts: [127.0.0.1, live.test]
cors: ["https://site.test"]
trustedProxies: [loopback]
kinds:
  video: { subscribe: signed-in, retention: { events: 3 } }
comments: { likeKinds: [heart, clap] }
limits: { guestsPerAddress: { burst: 1, perSeconds: 3600 } }
tokens: { acceptedSecrets: [other-secret] }
`,
};

describe.each([1, 2])("with %d workers, SIGHUP", (workers) => {
  test("uses a new certificate for new connections, and streams continue", async () => {
    const directory = makeDirectory();
    const tls = makeCertificate(directory);
    const flags = ["--workers", String(workers)];
    const server = await Server.start({ tls, flags });
    servers.push(server);
    const streams = [await openStream(server), await openHttp2Stream(server)];
    const first = await serialAt(server.port);
    expect(await reload(server)).toMatchObject({ level: "info", changed: [] });

    makeCertificate(directory);
    expect(await reload(server)).toMatchObject({ level: "info", changed: ["the certificate"] });
    // Each worker replaces its listener for itself: a connect in its queue meanwhile is reset.
    const serials = await untilAccepted(
      () => Promise.all(Array.from({ length: 12 }, () => serialAt(server.port))),
      (found) => !found.includes(first),
      "the certificate is new at all workers",
    );
    expect(new Set(serials).size).toBe(1);

    await server.publish([{ topic: "video:v", type: "chapter", data: { number: 7 } }]);
    await until(
      () => streams.every(({ text }) => text.includes('"number":7')),
      "what is published arrives on the streams from before",
    );
    expect(streams.map(({ hasEnded }) => hasEnded)).toEqual([false, false]);

    // A key that is not the certificate's is refused, and the one in use stays.
    copyFileSync(makeCertificate(makeDirectory()).key, tls.key);
    expect(await reload(server)).toMatchObject({
      level: "error",
      why: expect.stringContaining("is not the key of the certificate"),
    });
    expect(await serialAt(server.port)).toBe(serials[0] ?? "");
    // Streams of a listener that was replaced are drained like the others.
    expect(await server.end()).toBe(0);
    expect(streams.map(({ hasEnded }) => hasEnded)).toEqual([true, true]);
  }, 60_000);

  test("ends streams over HTTP/3 at a new certificate, which return whole", async () => {
    const directory = makeDirectory();
    const tls = makeCertificate(directory);
    const server = await Server.start({ tls, flags: ["--workers", String(workers)] });
    servers.push(server);
    const streams = await Promise.all(Array.from({ length: 6 }, () => openHttp3Stream(server)));
    await server.publish([{ topic: "video:v", type: "goal", data: 1, durable: true }]);
    await until(() => streams.every(({ text }) => text.includes('"seq":1')), "the first event");
    makeCertificate(directory);
    expect(await reload(server)).toMatchObject({ changed: ["the certificate"] });
    await until(() => streams.every(({ hasEnded }) => hasEnded), "each is told that it has ended");
    await server.publish([{ topic: "video:v", type: "goal", data: 2, durable: true }]);
    const returned = await Promise.all(
      streams.map(({ text }) => openHttp3Stream(server, /^id: (.*1~.*)$/gm.exec(text)?.[1])),
    );
    await until(() => returned.every(({ text }) => text.includes('"seq":2')), "what was missed");
    expect(returned.map(({ hasEnded }) => hasEnded)).not.toContain(true);
    await until(
      async () => (await server.metric("ovation_frontend_connections")) === returned.length,
      "the places of those that ended are free",
    );
    expect(await server.end()).toBe(0);
  }, 60_000);

  test("reloads audiences, rates, hosts, origins, proxies and keys", async () => {
    const directory = makeDirectory();
    const policy = join(directory, "policy.yaml");
    writeFileSync(policy, POLICIES.first);
    writeFileSync(join(directory, "other-secret"), OTHER_SECRET);
    const flags = ["--workers", String(workers), "--policy", policy];
    const server = await Server.start({ flags });
    servers.push(server);
    const other = await signToken(OTHER_SECRET, { sub: "ada", name: "Ada" }, 600);
    const guest = () =>
      statusOf(server, "/v1/guests", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ name: "Ben" }),
      });
    const named = { headers: { host: "live.test" } };
    const foreign = { headers: { origin: "https://elsewhere.test" } };
    const originOf = async () =>
      (await server.get("/v1/videos", foreign)).headers.get("access-control-allow-origin");

    expect(await statusOf(server, "/v1/videos", named)).toBe(421);
    expect(await statusOf(server, "/v1/videos/v/comments")).toBe(200);
    expect(await statusOf(server, "/v1/videos/v/comments", bearer(other))).toBe(401);
    expect(await originOf()).toBe("*");
    expect([await guest(), await guest()]).toEqual([201, 201]);

    writeFileSync(policy, POLICIES.second);
    const said = await reload(server);
    expect(said).toMatchObject({
      level: "info",
      changed: expect.arrayContaining([
        "hosts",
        "cors",
        "trustedProxies",
        "kinds.video",
        "limits",
        "tokens",
      ]),
      needsRestart: ["comments.likeKinds"],
    });
    await until(async () => (await statusOf(server, "/v1/videos", named)) === 200, "the host");
    // Several workers: each is asked some times.
    for (let time = 0; time < 8; time++) {
      expect(await statusOf(server, "/v1/videos", named)).toBe(200);
      expect(await statusOf(server, "/v1/videos/v/comments")).toBe(401);
      expect(await statusOf(server, "/v1/events?topic=video:v")).toBe(401);
      expect(await statusOf(server, "/v1/videos/v/comments", bearer(other))).toBe(200);
      expect(await originOf()).toBeNull();
    }
    // What a limit has counted so far is within its new size: one is free, and no second.
    expect([await guest(), await guest()]).toEqual([201, 429]);

    // A mistake anywhere leaves all as it was.
    appendFileSync(policy, "hosts: [https://no.name]\n");
    expect(await reload(server)).toMatchObject({
      level: "error",
      why: expect.stringContaining("policy.yaml:"),
    });
    expect(await statusOf(server, "/v1/videos", named)).toBe(200);

    // A worker that is started later has the settings of now.
    writeFileSync(policy, POLICIES.second.replace("live.test", "other.test"));
    expect(await reload(server)).toMatchObject({ level: "info", changed: ["hosts"] });
    await until(async () => (await statusOf(server, "/v1/videos", named)) === 421, "the host goes");
    if (workers > 1) await replaceWorkers(server);
    for (let time = 0; time < 8; time++)
      expect(await statusOf(server, "/v1/videos", { headers: { host: "other.test" } })).toBe(200);
  }, 60_000);

  test("replaces the secret of the data directory, and never makes a missing one", async () => {
    const flags = ["--workers", String(workers)];
    const server = await Server.start({ flags, environment: { OVATION_SECRET: "" } });
    servers.push(server);
    const path = join(server.directory, "data", "secret");
    writeFileSync(path, OTHER_SECRET);
    const token = await signToken(OTHER_SECRET, { sub: "ada", name: "Ada" }, 600);
    expect(await statusOf(server, "/v1/events?topic=video:v", bearer(token))).toBe(401);
    expect(await reload(server)).toMatchObject({ level: "info", changed: ["the secret"] });
    await until(
      async () => (await statusOf(server, "/v1/events?topic=video:v", bearer(token))) === 200,
      "the secret counts",
    );
    rmSync(path);
    expect(await reload(server)).toMatchObject({
      level: "error",
      why: expect.stringContaining("secret is gone"),
    });
    expect(await statusOf(server, "/v1/conversations", bearer(token))).toBe(200);
  }, 60_000);

  test("does not end a server that no terminal started, nor do SIGUSR1 and SIGUSR2", async () => {
    const server = await Server.start({ flags: ["--workers", String(workers)] });
    servers.push(server);
    const stream = await openStream(server);
    for (const signal of ["SIGUSR1", "SIGUSR2", "SIGHUP", "SIGHUP", "SIGUSR2"] as const) {
      server.signal(signal);
      for (const worker of workersOf(server)) process.kill(worker, signal);
      await Bun.sleep(100);
    }
    expect(await server.isReady()).toBe(true);
    expect(stream.hasEnded).toBe(false);
    expect(await server.end()).toBe(0);
  }, 60_000);

  test("of a terminal that is closed ends the server by draining it", async () => {
    const port = await freePort();
    const data = join(makeDirectory(), "data");
    const command = join(import.meta.dir, "../bin/ovation");
    const words = ["--port", String(port), "--data", data, "--drain-seconds", "1"];
    const url = `http://127.0.0.1:${port}`;
    let shown = "";
    const child = Bun.spawn(["sh", command, "start", ...words, "--workers", String(workers)], {
      terminal: {
        cols: 80,
        rows: 24,
        data(_, bytes) {
          shown += Buffer.from(bytes).toString();
        },
      },
    });
    const isReady = () =>
      fetch(`${url}/readyz`).then(
        (answer) => answer.ok,
        () => false,
      );
    await until(isReady, "the server is ready");
    // An operator's SIGHUP leaves the server as it is while its terminal is there.
    child.kill("SIGHUP");
    await until(() => shown.includes("SIGHUP: "), "the files are read again");
    const stream = await fetch(`${url}/v1/events?topic=video:v`);
    child.terminal?.close();
    const text = await stream.text();
    expect(text).toContain("event: reconnect");
    expect(await child.exited).toBe(0);
  }, 60_000);
});

test("every role reads again, and its internal certificate is replaced", async () => {
  const directory = makeDirectory();
  const { cert, key } = makeCertificate(directory);
  const [port, internalPort] = [await freePort(), await freePort()];
  const secrets = {
    OVATION_SECRET: OTHER_SECRET,
    OVATION_INTERNAL_SECRET: "an-internal-secret-long-enough",
  };
  const words = ["--internal-tls-cert", cert, "--internal-tls-key", key];
  const child = Bun.spawn(
    [
      "sh",
      join(import.meta.dir, "../bin/ovation"),
      ...["frontend", "--port", String(port), "--internal-port", String(internalPort)],
      ...["--dispatcher", "https://127.0.0.1:1", "--drain-seconds", "0", ...words],
    ],
    { env: { ...process.env, ...secrets }, stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  );
  let output = "";
  const reading = (async () => {
    for await (const chunk of child.stderr) output += Buffer.from(chunk).toString();
  })();
  await until(() => output.includes('"started"'), "the frontend starts");
  const first = await serialAt(internalPort);
  makeCertificate(directory);
  child.kill("SIGUSR1");
  child.kill("SIGHUP");
  await until(() => output.includes("the internal certificate"), "the certificate is read");
  expect(await serialAt(internalPort)).not.toBe(first);
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
  await reading;
}, 30_000);

function workersOf(server: Server): readonly number[] {
  const { stdout } = Bun.spawnSync(["ps", "-o", "pid=", "--ppid", String(server.pid)]);
  return stdout
    .toString()
    .split("\n")
    .map(Number)
    .filter((pid) => pid > 0);
}

async function replaceWorkers(server: Server): Promise<void> {
  const before = workersOf(server);
  for (const pid of before) process.kill(pid, "SIGKILL");
  await until(
    () => (server.output.match(/the worker is back/g) ?? []).length >= before.length,
    "the workers are back",
  );
}
