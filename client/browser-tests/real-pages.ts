/** The real server and the SDK as browsers load it, for tests that Node runs. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Browser, BrowserContext, Page } from "@playwright/test";
import { type Person, Server } from "../../testing/server.ts";

const ROOT = join(import.meta.dirname, "../..");
const BIN = join(ROOT, "ovation/bin");
const PATH = "/sdk-test/";

export interface RealPages {
  /** The server's URL for Node. */
  readonly url: string;
  /** The same for pages. */
  readonly origin: string;
  readonly context: BrowserContext;
  /** URLs of the event streams that pages requested. */
  readonly streams: string[];
  /** The URL of that page. */
  address(topic: string, options?: Record<string, unknown>): string;
  /** A page whose `window.lines` records the SDK's callbacks for `topic`. */
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
window.client = createClient({
  url: location.protocol + "//" + location.host,
  retryMs: { first: 50, longest: 500 },
  ...options,
});
client.onState(({ name, reason }) => {
  window.state = name;
  lines.push("state " + name + "/" + reason);
});
client.subscribe(topic, {
  comment: ({ seq }) => lines.push("comment " + seq),
  onSubscribed: ({ head }) => lines.push("subscribed " + head),
  onReset: ({ head }) => lines.push("reset " + head),
});
`;

/** `host`: a name that the browser is told to resolve to this machine. */
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
  const server = await Server.start({ rateLimits: "off", flags: ["--hosts", host] });
  const { url } = server;
  const origin = `http://${host}:${server.port}`;
  let poster: Promise<Person> | undefined;

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
        // Modules of a sandboxed frame are cross-origin.
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
      poster ??= server.guest("Poster");
      return server.comment(video, text, (await poster).token);
    },
    connections: () => server.metric("ovation_frontend_connections"),
    kill: () => server.kill(),
    start: () => server.run(),
    async close() {
      await context.close();
      await server.stop();
      rmSync(directory, { recursive: true });
    },
  };
}
