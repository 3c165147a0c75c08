/** The proxy files, with other ports, in front of a real cluster with two frontends. */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LocalCluster, startLocalCluster } from "../ovation/cluster/local-cluster.ts";
import { type Crowd, createCrowd, ownTopic } from "../ovation/cluster/testing/crowd.ts";
import { freePort } from "../testing/free-port.ts";
import { until } from "../testing/until.ts";

const HERE = import.meta.dir;
let cluster: LocalCluster;
let directory: string;
let crowd: Crowd | undefined;
const children: Bun.Subprocess[] = [];
let caddy: Bun.Subprocess | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "ovation-proxies-"));
  cluster = await startLocalCluster({
    datacenters: ["east"],
    dispatchers: 1,
    frontends: 2,
    comments: 1,
    rateLimits: "off",
  });
}, 60_000);

afterEach(() => crowd?.close());

afterAll(async () => {
  // SIGKILL would leave nginx's and HAProxy's workers running. Caddy has none, and would wait for
  // idle keep-alive connections.
  for (const child of children) child.kill(child === caddy ? "SIGKILL" : "SIGTERM");
  await Promise.all(children.map((child) => child.exited));
  await cluster.stop();
  await rm(directory, { recursive: true, force: true });
}, 30_000);

/** The ports that the files name, replaced by those of the cluster. */
async function configure(file: string, listen: number): Promise<string> {
  const [east] = cluster.datacenters;
  const port = (url: string | undefined) => new URL(url ?? "").port;
  let text = await readFile(join(HERE, "proxy", file), "utf8");
  const replace = (from: string | RegExp, to: string) => {
    const before = text;
    text = text.replace(from, to);
    if (text === before) throw new Error(`${file} has no ${from}`);
  };
  replace("127.0.0.1:8081", `127.0.0.1:${port(east?.frontends[0]?.url)}`);
  replace("127.0.0.1:8082", `127.0.0.1:${port(east?.frontends[1]?.url)}`);
  replace("127.0.0.1:8091", `127.0.0.1:${port(east?.dispatchers[0]?.url)}`);
  replace("127.0.0.1:8092", `127.0.0.1:${port(east?.comments[0]?.url)}`);
  if (file === "nginx.conf") {
    replace("listen 8080;", `listen 127.0.0.1:${listen};`);
    replace("pid /run/nginx.pid;", `pid ${join(directory, "nginx.pid")};`);
    // The tests' machine may allow fewer files and connections.
    replace("worker_rlimit_nofile 1048576;\n", "");
    replace("worker_connections 65536;", "worker_connections 512;");
  } else if (file === "Caddyfile") {
    // Another user's Caddy may have the admin port, and there is no certificate for the domain.
    replace("live.example.org {", `{\n\tadmin off\n}\nhttp://127.0.0.1:${listen} {`);
  } else {
    replace("bind :8080", `bind 127.0.0.1:${listen}`);
    replace("maxconn 200000", "maxconn 500");
  }
  const path = join(directory, file);
  await writeFile(path, text);
  return path;
}

const FILES = ["nginx.conf", "haproxy.cfg", "Caddyfile"] as const;

async function startProxy(file: (typeof FILES)[number]): Promise<string> {
  const port = await freePort();
  const path = await configure(file, port);
  const commands = {
    "nginx.conf": ["nginx", "-p", directory, "-c", path, "-g", "daemon off;"],
    "haproxy.cfg": ["haproxy", "-q", "-db", "-f", path],
    Caddyfile: ["caddy", "run", "--adapter", "caddyfile", "--config", path],
  };
  const env = { ...process.env, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory };
  const child = Bun.spawn(commands[file], {
    env,
    stdout: "ignore",
    stderr: Bun.file(join(directory, `${file}.log`)),
  });
  children.push(child);
  if (file === "Caddyfile") caddy = child;
  const url = `http://127.0.0.1:${port}`;
  await until(
    async () => (await fetch(`${url}/v1/videos`)).status === 200,
    "the proxy passes requests",
  );
  return url;
}

interface Viewer {
  readonly text: () => string;
  readonly lastId: () => string;
  readonly headers: Headers;
  readonly ended: () => boolean;
  close(): void;
}

async function watch(url: string, video: string, lastId?: string): Promise<Viewer> {
  const abort = new AbortController();
  const response = await fetch(`${url}/v1/events?topic=video:${video}`, {
    signal: abort.signal,
    headers: lastId === undefined ? {} : { "last-event-id": lastId },
  });
  expect(response.status).toBe(200);
  let text = "";
  let ended = false;
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? [])
      text += decoder.decode(chunk as Uint8Array, { stream: true });
  };
  // How it ended does not matter here: a cut and a clean end are both an end.
  read()
    .catch(() => undefined)
    .finally(() => {
      ended = true;
    });
  return {
    text: () => text,
    lastId: () => [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? "",
    headers: response.headers,
    ended: () => ended,
    close: () => abort.abort(),
  };
}

async function post(url: string, path: string, body: unknown, token?: string): Promise<Response> {
  const headers = {
    "content-type": "application/json",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  return fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Paths for operators only, in every spelling that a stranger may try. */
const OPERATORS = [
  "/metrics",
  "/readyz",
  "/healthz",
  "/metrics?a=b",
  "//metrics",
  "/./metrics",
  "/x/../metrics",
  "/%6detrics",
];

/** The path goes out as it is, which `fetch` does not do. */
function statusOf(url: string, path: string): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    get({ hostname, port, path, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on("error", reject);
  });
}

const PATIENCE = 3;
/** Many more than nginx would let try while it takes a server for dead. */
const VIEWERS = 30;

const urls = new Map<string, string>();

for (const file of FILES) {
  let url: string;

  test(`${file}: streams are unbuffered, routes find their role, viewers fail over`, async () => {
    url = await startProxy(file);
    urls.set(file, url);
    const video = file.replace(/\W/g, "-");
    const viewers = await Promise.all(Array.from({ length: 6 }, () => watch(url, video)));
    await until(
      async () => viewers.every(({ text }) => text().includes("event: connection")),
      "every stream has its first event, though nothing was published",
    );
    expect(viewers[0]?.headers.get("content-type")).toStartWith("text/event-stream");
    const guest = (await (await post(url, "/v1/guests", { name: "Ana" })).json()) as {
      token: string;
    };
    for (let number = 1; number <= 3; number++) {
      expect(
        (await post(url, `/v1/videos/${video}/comments`, { text: `number ${number}` }, guest.token))
          .status,
      ).toBe(201);
      await until(
        async () => viewers.every(({ text }) => text().includes(`number ${number}`)),
        `comment ${number} is at every viewer's`,
      );
    }
    // Dispatchers take publishes, with a token; operators' pages are not public.
    expect(
      (await post(url, "/v1/publish", { topic: `video:${video}`, type: "goal", data: {} })).status,
    ).toBe(401);
    for (const path of OPERATORS)
      expect(`${path} ${await statusOf(url, path)}`).toBe(`${path} 404`);
    expect((await fetch(`${url}/watch/${video}`)).status).toBe(200);

    const victim = cluster.processes.get("east/frontend-1");
    await victim?.kill();
    await until(async () => {
      const ended = viewers.filter((viewer) => viewer.ended()).length;
      return ended > 0 && ended < viewers.length;
    }, "its streams end, and only those");
    expect(
      (await post(url, `/v1/videos/${video}/comments`, { text: "meanwhile" }, guest.token)).status,
    ).toBe(201);
    for (const viewer of viewers.filter((one) => one.ended())) {
      let again: Viewer | undefined;
      await until(async () => {
        again = await watch(url, video, viewer.lastId());
        return true;
      }, "a viewer is back");
      await until(
        async () => again?.text().includes("meanwhile") ?? false,
        "and has what it missed, once",
      );
      expect(again?.text()).not.toContain("number 3");
      again?.close();
    }
    for (const viewer of viewers) viewer.close();
    await victim?.restart();
    // For the next proxy the frontend is back, and its dispatchers know it.
    await until(
      async () => (await fetch(`${victim?.url}/readyz`)).status === 200,
      "the frontend is ready",
    );
  }, 60_000);

  test(`${file}: without a frontend a browser is asked to return, and viewers do`, async () => {
    const viewers = await createCrowd(cluster);
    crowd = viewers;
    const topic = ownTopic();
    for (let viewer = 0; viewer < VIEWERS; viewer++)
      viewers.watch(viewer % 2 === 0 ? "sdk" : "plain", url, [topic]);
    const isConnected = () => viewers.viewers.every(({ recorder }) => recorder.isConnected);
    await until(isConnected, "all viewers are connected", 10_000 * PATIENCE);
    const frontends = cluster.datacenters[0]?.frontends ?? [];
    await Promise.all(frontends.map((frontend) => frontend.kill()));
    // An EventSource gives up after any other status, and after a response that CORS forbids.
    const answer = await fetch(`${url}/v1/events?topic=${topic}`, {
      headers: { origin: "https://example.org" },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toStartWith("text/event-stream");
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(await answer.text()).toMatch(/^retry: [1-4]\d{3}\n\n$/);
    const { status, body } = await viewers.comment(url, topic);
    expect(status).toBe(201);
    await Promise.all(frontends.map((frontend) => frontend.restart()));
    await until(isConnected, "all viewers are connected again", 5000 * PATIENCE);
    await viewers.allHave(topic, Number(body["seq"]), 5000 * PATIENCE);
    expect(await viewers.verdict()).toEqual([]);
  }, 90_000);
}

test("without Redis every proxy passes on a dispatcher's answers, errors included", async () => {
  const [east] = cluster.datacenters;
  const [dispatcher, redis] = [east?.dispatchers[0], east?.redis.servers[0]];
  const publishers = await createCrowd(cluster);
  crowd = publishers;
  const topic = ownTopic();
  await redis?.kill();
  await until(
    async () => (await fetch(`${dispatcher?.url}/readyz`)).status === 503,
    "the dispatcher is not ready",
    10_000 * PATIENCE,
  );
  // Two health checks of a proxy, one a second.
  await Bun.sleep(2500);
  for (const [file, url] of urls) {
    const live = await publishers.publish(url, topic, false);
    expect({ file, ...live }).toMatchObject({ file, status: 503, body: { code: "unavailable" } });
    expect({ file, status: (await publishers.publish(url, topic, true)).status }).toEqual({
      file,
      status: 201,
    });
  }
  await redis?.restart();
}, 60_000);
