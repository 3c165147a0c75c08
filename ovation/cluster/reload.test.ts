/**
 * SIGHUP at each role of a running cluster: the policy file, and a new authority of internal TLS.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../testing/free-port.ts";
import { startPostgres, type TestPostgres } from "../../testing/postgres.ts";
import { type RedisInstance, startRedis } from "../../testing/redis.ts";
import { until } from "../../testing/until.ts";
import { signToken } from "../tokens/mod.ts";
import { type ClusterProcess, startProcess } from "./cluster-process.ts";

const SECRET = "the-secret-of-tokens-of-this-test";
const OTHER_SECRET = "a-secret-of-another-issuer-of-tokens";
const TOPIC = "video:v";

const directory = mkdtempSync(join(tmpdir(), "ovation-cluster-reload-"));
const file = (name: string): string => join(directory, name);
let postgres: TestPostgres;
let redis: RedisInstance;
let processes: readonly ClusterProcess[] = [];
const lines = new Map<string, string[]>();

beforeAll(async () => {
  [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
}, 60_000);
afterEach(async () => {
  // The dispatcher last: the others unregister at it.
  for (const process of processes.toReversed()) await process.stop();
}, 60_000);
afterAll(async () => {
  await Promise.all([postgres.stop(), redis.stop()]);
  rmSync(directory, { recursive: true });
}, 30_000);

/** A dispatcher, a frontend and a comments process. */
async function startRoles(flags: readonly string[], scheme = "http") {
  const [internalPort = 0, ownPort = 0] = await freePorts(2);
  const stores = ["--table", redis.url, "--database", postgres.url];
  const dispatchers = ["--dispatcher", `${scheme}://127.0.0.1:${internalPort}`];
  const start = (role: string, own: readonly string[], internal: boolean) => {
    lines.set(role, []);
    return startProcess({
      name: role,
      role,
      flags: [...own, ...flags],
      environment: { OVATION_SECRET: SECRET, OVATION_INTERNAL_SECRET: "an-internal-secret-here" },
      internal,
      onLine: (line) => lines.get(role)?.push(line),
    });
  };
  const port = (number: number) => ["--internal-port", String(number)];
  const dispatcher = await start("dispatcher", [...stores, ...port(internalPort)], true);
  const drain = ["--drain-seconds", "0"];
  const frontend = await start("frontend", [...dispatchers, ...drain, ...port(ownPort)], true);
  const comments = await start("comments", [...stores, ...dispatchers], false);
  processes = [dispatcher, frontend, comments];
  return { dispatcher, frontend, comments, internalPorts: [internalPort, ownPort] as const };
}

/** SIGHUP; answers the line of the log that it made. */
async function reload({ name, pid }: ClusterProcess): Promise<Record<string, unknown>> {
  const said = () => (lines.get(name) ?? []).filter((line) => line.includes('"SIGHUP: '));
  const before = said().length;
  process.kill(pid, "SIGHUP");
  await until(() => said().length > before, `${name} has read its files`, 5_000);
  return JSON.parse(said().at(-1) ?? "{}") as Record<string, unknown>;
}

const headersOf = (token: string) => ({
  authorization: `Bearer ${token}`,
  "content-type": "application/json",
});
const tokenOf = (secret: string) =>
  signToken(secret, { sub: "ada", name: "Ada", role: "host", publish: ["*"] }, 600);

async function publish({ url }: ClusterProcess, token: string, data: unknown): Promise<number> {
  const body = JSON.stringify({ topic: TOPIC, type: "goal", data });
  const init = { method: "POST", headers: headersOf(token), body };
  return (await fetch(`${url}/v1/publish`, init)).status;
}

async function comment({ url }: ClusterProcess, token: string, text: string): Promise<number> {
  const init = { method: "POST", headers: headersOf(token), body: JSON.stringify({ text }) };
  return (await fetch(`${url}/v1/videos/v/comments`, init)).status;
}

async function statusOf(url: string, token?: string): Promise<number> {
  const response = await fetch(url, token === undefined ? {} : { headers: headersOf(token) });
  await response.body?.cancel();
  return response.status;
}

async function openStream({ url }: ClusterProcess, token: string) {
  const seen = { text: "", hasEnded: false };
  const response = await fetch(`${url}/v1/events?topic=${TOPIC}`, { headers: headersOf(token) });
  void (async () => {
    for await (const chunk of response.body ?? []) seen.text += Buffer.from(chunk).toString();
  })()
    .catch(() => undefined)
    .finally(() => {
      seen.hasEnded = true;
    });
  await until(() => seen.text.includes("connectionId"), "the stream begins", 5_000);
  return seen;
}

describe("SIGHUP", () => {
  test("takes over the policy file at each role; a mistake changes nothing", async () => {
    const policy = file("policy.yaml");
    writeFileSync(policy, "hosts: [127.0.0.1]\n");
    writeFileSync(file("other-secret"), OTHER_SECRET);
    const { dispatcher, frontend, comments } = await startRoles(["--policy", policy]);
    const [own, other] = [await tokenOf(SECRET), await tokenOf(OTHER_SECRET)];
    const states = async () => ({
      publish: await publish(dispatcher, other, 1),
      stream: await statusOf(`${frontend.url}/v1/events?topic=${TOPIC}`),
      history: await statusOf(`${comments.url}/v1/videos/v/comments`),
      ownHistory: await statusOf(`${comments.url}/v1/conversations`, other),
    });
    expect(await states()).toEqual({ publish: 401, stream: 200, history: 200, ownHistory: 401 });
    const stream = await openStream(frontend, own);

    writeFileSync(
      policy,
      `kinds:\n  video: { subscribe: signed-in, retention: { events: 3 } }\n` +
        "tokens: { acceptedSecrets: [other-secret] }\ncomments: { textLength: 5 }\n",
    );
    const changed = { changed: expect.arrayContaining(["kinds.video", "tokens", "hosts"]) };
    for (const process of processes)
      expect(await reload(process)).toMatchObject({ level: "info", ...changed });
    const after = { publish: 202, stream: 401, history: 401, ownHistory: 200 };
    expect(await states()).toEqual(after);
    expect(lines.get("comments")?.at(-1)).toContain('"needsRestart":["comments.textLength"]');
    expect(await comment(comments, own, "longer than five")).toBe(201);
    await until(
      () => ['"data":1', "longer than five"].every((part) => stream.text.includes(part)),
      "the stream from before has both",
      5_000,
    );

    writeFileSync(policy, "kinds: { video: { subscribe: no-one } }\n");
    for (const process of processes)
      expect(await reload(process)).toMatchObject({
        level: "error",
        why: expect.stringContaining("policy.yaml"),
      });
    expect(await states()).toEqual(after);
    expect(stream.hasEnded).toBe(false);
  }, 60_000);

  test("brings a new internal authority to one process after the other", async () => {
    makeAuthority("old");
    makeAuthority("new");
    copyFileSync(file("old-ca.pem"), file("ca.pem"));
    useCertificate("old");
    const tls = ["--internal-tls-cert", file("node.pem"), "--internal-tls-key", file("node.key")];
    const flags = [...tls, "--internal-tls-ca", file("ca.pem")];
    const { dispatcher, frontend, comments, internalPorts } = await startRoles(flags, "https");
    const token = await tokenOf(SECRET);
    const stream = await openStream(frontend, token);
    let number = 0;
    const works = async () => {
      const [goal, text] = [`goal-${++number}`, `comment-${number}`];
      expect([number, await publish(dispatcher, token, goal)]).toEqual([number, 202]);
      expect([number, await comment(comments, token, text)]).toEqual([number, 201]);
      await until(
        () => [goal, text].every((part) => stream.text.includes(part)),
        `number ${number} has arrived`,
        5_000,
      );
    };
    const reloadAll = async () => {
      for (const process of processes) {
        const said = await reload(process);
        expect(said).toMatchObject({ level: "info", changed: ["the internal certificate"] });
        await works();
      }
    };
    await works();
    expect(await acceptedBy(internalPorts)).toEqual({ old: [true, true], new: [false, false] });

    writeFileSync(file("ca.pem"), readFileSync(file("old-ca.pem"), "utf8") + newAuthority());
    await reloadAll();
    expect(await acceptedBy(internalPorts)).toEqual({ old: [true, true], new: [true, true] });
    useCertificate("new");
    await reloadAll();
    writeFileSync(file("ca.pem"), newAuthority());
    await reloadAll();
    expect(await acceptedBy(internalPorts)).toEqual({ old: [false, false], new: [true, true] });
    // A link that is made from now on shows the new certificate, and trusts the new authority.
    await dispatcher.kill();
    await dispatcher.restart();
    await works();
    expect(stream.hasEnded).toBe(false);
  }, 90_000);
});

function openssl(...words: readonly string[]): void {
  const run = Bun.spawnSync(["openssl", ...words], { cwd: directory });
  if (run.exitCode !== 0) throw new Error(run.stderr.toString());
}

/** An authority, and a certificate for 127.0.0.1 that it signed. */
function makeAuthority(name: string): void {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const made = (which: string) => ["-keyout", `${which}.key`, "-out", `${which}.pem`];
  openssl("req", "-x509", ...key, ...made(`${name}-ca`), "-subj", `/CN=${name} authority`);
  const signer = ["-CA", `${name}-ca.pem`, "-CAkey", `${name}-ca.key`];
  const forLoopback = ["-addext", "subjectAltName=IP:127.0.0.1"];
  const leaf = [...forLoopback, "-addext", "basicConstraints=CA:FALSE"];
  openssl("req", "-x509", ...key, ...made(name), "-subj", `/CN=${name} node`, ...signer, ...leaf);
}

const newAuthority = (): string => readFileSync(file("new-ca.pem"), "utf8");

function useCertificate(name: string): void {
  for (const form of ["pem", "key"]) copyFileSync(file(`${name}.${form}`), file(`node.${form}`));
}

/** Which internal listeners listen to a caller with a certificate of either authority. */
async function acceptedBy(ports: readonly number[]) {
  const accepts = async (name: string, port: number): Promise<boolean> => {
    const read = (form: string) => readFileSync(file(`${name}.${form}`), "utf8");
    const tls = { cert: read("pem"), key: read("key"), rejectUnauthorized: false };
    // Unsigned, so no more than an answer: who is not listened to gets none.
    return fetch(`https://127.0.0.1:${port}/internal`, { tls, keepalive: false }).then(
      () => true,
      () => false,
    );
  };
  const of = (name: string) => Promise.all(ports.map((port) => accepts(name, port)));
  return { old: await of("old"), new: await of("new") };
}
