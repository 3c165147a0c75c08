/**
 * nginx and HAProxy in front of a cluster with two frontends, with the files of `deploy/proxy/` and no other
 * change than their addresses: streams are not buffered, and viewers of a frontend that dies come back.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@ovation/table/testing";
import { type LocalCluster, startLocalCluster } from "./local-cluster.ts";
import { type Crowd, createCrowd, ownTopic, within } from "./testing/crowd.ts";

const DEPLOY = join(import.meta.dir, "../../deploy/proxy");
const PATIENCE = 3;

let cluster: LocalCluster;
let directory: string;
let crowd: Crowd;
const proxies: Bun.Subprocess[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "ovation-proxies-"));
  cluster = await startLocalCluster({ datacenters: ["east"], dispatchers: 1, redis: "single", rateLimits: "off", logLevel: "error" });
}, 60_000);

afterEach(() => crowd?.close());

afterAll(async () => {
  // Not SIGKILL: nginx's worker would outlive its master.
  for (const proxy of proxies) proxy.kill("SIGTERM");
  await Promise.all(proxies.map((proxy) => proxy.exited));
  await cluster.stop();
  await rm(directory, { recursive: true, force: true });
}, 30_000);

/** The file with the cluster's ports in place of those that it names. */
async function configure(name: string, listen: number, change: (text: string) => string = (text) => text): Promise<string> {
  const [east] = cluster.datacenters;
  const ports: Record<string, string | undefined> = {
    "8081": east?.frontends[0]?.url,
    "8082": east?.frontends[1]?.url,
    "8091": east?.dispatchers[0]?.url,
    "8092": east?.comments[0]?.url,
  };
  let text = await readFile(join(DEPLOY, name), "utf8");
  for (const [port, url] of Object.entries(ports)) text = text.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${new URL(url ?? "").port}`);
  text = text.replace("listen 8080;", `listen 127.0.0.1:${listen};`).replace("bind :8080", `bind 127.0.0.1:${listen}`);
  const file = join(directory, name);
  await Bun.write(file, change(text));
  return file;
}

async function start(command: readonly string[], port: number): Promise<string> {
  const path = `${process.env["PATH"]}:/usr/sbin:/sbin`;
  proxies.push(Bun.spawn([...command], { env: { ...process.env, PATH: path }, stdio: ["ignore", "ignore", "ignore"] }));
  const url = `http://127.0.0.1:${port}`;
  await within(10_000, `${command[0]} answers`, () =>
    fetch(`${url}/v1/videos`)
      .then(({ ok }) => ok)
      .catch(() => false),
  );
  return url;
}

const PROXIES: Readonly<Record<string, (port: number) => Promise<readonly string[]>>> = {
  async nginx(port) {
    // The temporary directory's name stands for those that only the service's user may write.
    const file = await configure("nginx.conf", port, (text) =>
      text
        .replace("pid /run/nginx.pid;", `pid ${directory}/nginx.pid; daemon off; ${process.getuid?.() === 0 ? "user root;" : ""}`)
        .replace("worker_processes auto;", "worker_processes 1;")
        .replace("worker_rlimit_nofile 1048576;", "")
        .replace("worker_connections 65536;", "worker_connections 512;")
        .replace("http {", `http {\n  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;`),
    );
    return ["/usr/sbin/nginx", "-p", directory, "-c", file];
  },
  async haproxy(port) {
    const file = await configure("haproxy.cfg", port, (text) => text.replace("maxconn 200000", "maxconn 500"));
    return ["/usr/sbin/haproxy", "-db", "-f", file];
  },
};

for (const [name, command] of Object.entries(PROXIES)) {
  test(`${name}: events arrive at once, subscriptions can be changed, and viewers of a killed frontend come back`, async () => {
    const [port = 0] = await freePorts(1);
    const url = await start(await command(port), port);
    const topic = ownTopic();
    crowd = await createCrowd(cluster);
    for (let viewer = 0; viewer < 8; viewer++) crowd.watch(viewer % 2 === 0 ? "sdk" : "plain", url, [topic]);
    await within(10_000 * PATIENCE, "everybody is connected", () => crowd.viewers.every(({ recorder }) => recorder.isConnected));

    // One small event: whoever buffers holds it back.
    const { status, body } = await crowd.comment(url, topic);
    expect(status).toBe(201);
    await crowd.allHave(topic, Number(body["seq"]), 1000 * PATIENCE);
    expect((await crowd.publish(url, topic, false)).status).toBe(202);

    const frontend = cluster.datacenters[0]?.frontends[0];
    await frontend?.kill();
    const after = await crowd.comment(url, topic);
    await crowd.allHave(topic, Number(after.body["seq"]), 5000 * PATIENCE);
    await frontend?.restart();
    expect(await crowd.verdict()).toEqual([]);
  }, 90_000);
}
