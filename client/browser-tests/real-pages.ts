/** The real server and the SDK as browsers load it, for tests that Node runs. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Browser, BrowserContext, Page } from "@playwright/test";
import { freePort } from "../../testing/free-port.ts";

const ROOT = join(import.meta.dirname, "../..");
const BIN = join(ROOT, "ovation/bin");
const PATH = "/sdk-test/";
const READY_WITHIN_MS = 20_000;

export interface RealPages {
  /** The server as Node reaches it. */
  readonly url: string;
  /** The same as pages name it. */
  readonly origin: string;
  readonly context: BrowserContext;
  /** Addresses of the event streams that pages asked for. */
  readonly streams: string[];
  /** The address of that page. */
  address(topic: string, options?: Record<string, unknown>): string;
  /** A page whose `window.lines` says what the SDK said of `topic`. */
  open(topic: string, options?: Record<string, unknown>): Promise<Page>;
  comment(video: string, text: string): Promise<number>;
  /** Open connections by the server's own count. */
  connections(): Promise<number>;
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

const PROGRAM = `
import { createClient } from "./mod.js";
const { topic, ...options } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
window.lines = [];
window.client = createClient({ url: location.protocol + "//" + location.host, retryMs: { first: 50, longest: 500 }, ...options });
client.onState(({ name, reason }) => { window.state = name; lines.push("state " + name + "/" + reason); });
client.subscribe(topic, {
  comment: ({ seq }) => lines.push("comment " + seq),
  onSubscribed: ({ head }) => lines.push("subscribed " + head),
  onReset: ({ head }) => lines.push("reset " + head),
});
`;

/** `host`: a name that the browser was told to look up as this machine. */
export async function startRealPages(browser: Browser, host = "127.0.0.1"): Promise<RealPages> {
  const directory = mkdtempSync(join(tmpdir(), "ovation-client-pages-"));
  const sdk = join(directory, "sdk");
  execFileSync("sh", [
    join(BIN, "bun"),
    "build",
    join(ROOT, "client/mod.ts"),
    "--splitting",
    "--target=browser",
    `--outdir=${sdk}`,
  ]);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const origin = `http://${host}:${port}`;
  let server: ChildProcess | undefined;
  let token: string | undefined;

  async function start(): Promise<void> {
    const flags = [
      "start",
      "--port",
      String(port),
      "--data",
      join(directory, "data"),
      "--rate-limits",
      "off",
      "--hosts",
      host,
      "--log-level",
      "warn",
    ];
    server = spawn("sh", [join(BIN, "ovation"), ...flags], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const deadline = Date.now() + READY_WITHIN_MS;
    while (!(await isReady(url))) {
      if (Date.now() > deadline) throw new Error("the server does not get ready");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function kill(): Promise<void> {
    const dying = server;
    if (dying === undefined || dying.exitCode !== null || dying.signalCode !== null) return;
    await new Promise((resolve) => {
      dying.once("exit", resolve);
      dying.kill("SIGKILL");
    });
  }

  await start();
  const context = await browser.newContext();
  const streams: string[] = [];
  context.on("request", (request) => {
    if (request.url().includes("/v1/events")) streams.push(request.url());
  });
  // The SDK comes from the server's origin, as it does in a product.
  await context.route(`${origin}${PATH}**`, async (route) => {
    const file = basename(new URL(route.request().url()).pathname);
    if (file === "page.html")
      await route.fulfill({
        contentType: "text/html",
        body: `<script type="module">${PROGRAM}</script>`,
      });
    else
      await route.fulfill({
        contentType: "text/javascript",
        // Modules of a sandboxed frame come from another origin: none.
        headers: { "access-control-allow-origin": "*" },
        body: readFileSync(join(sdk, file), "utf8"),
      });
  });

  const address = (topic: string, options: Record<string, unknown> = {}): string =>
    `${origin}${PATH}page.html#${encodeURIComponent(JSON.stringify({ topic, ...options }))}`;

  return {
    url,
    origin,
    context,
    streams,
    address,
    async open(topic, options) {
      const page = await context.newPage();
      await page.goto(address(topic, options));
      return page;
    },
    async comment(video, text) {
      token ??= ((await post(`${url}/v1/guests`, { name: "Poster" })) as { token: string }).token;
      return (
        (await post(`${url}/v1/videos/${video}/comments`, { text }, token)) as { seq: number }
      ).seq;
    },
    async connections() {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      return Number(/^ovation_frontend_connections\S* (\d+)/m.exec(metrics)?.[1]);
    },
    kill,
    start,
    async close() {
      await context.close();
      await kill();
      rmSync(directory, { recursive: true });
    },
  };
}

async function post(url: string, body: unknown, token?: string): Promise<unknown> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false;
  }
}
