/** HTTP/2 and HTTP/3 as Chromium speaks them to `--tls-cert`, `--tls-key`. */

import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type Browser, chromium, expect, type Page, test } from "@playwright/test";
import { makeCertificate } from "../../testing/certificate.ts";
import { Server } from "../../testing/server.ts";

/** HTTP/1.1 allows a browser six connections to an origin. */
const PAGES = 12;
const TOPIC = "video:tls";

let directory: string;
let server: Server;
/** Fingerprints of the certificates that a browser takes. */
const trusted: string[] = [];
test.beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ovation-tls-"));
  const certificate = makeCertificate(directory);
  trusted.push(certificate.fingerprint);
  server = await Server.start({ tls: certificate });
});
test.afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

function launch(...flags: string[]): Promise<Browser> {
  const trust = `--ignore-certificate-errors-spki-list=${trusted.join(",")}`;
  const quiet = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--disable-sync",
  ];
  return chromium.launch({
    executablePath: process.env["OVATION_CHROMIUM"] ?? "/usr/bin/chromium",
    args: [...quiet, trust, ...flags],
  });
}

/** Opens an EventSource in the page, whose goals are then in `goals`. */
async function listen(page: Page): Promise<void> {
  await page.goto(`${server.url}/healthz`);
  await page.evaluate((address) => {
    const goals: number[] = [];
    Object.assign(globalThis, { goals });
    const source = new EventSource(address);
    source.addEventListener("goal", (event) => goals.push(JSON.parse(event.data).data));
    return new Promise<void>((resolve) =>
      source.addEventListener("connection", () => resolve(), { once: true }),
    );
  }, `/v1/events?topic=${TOPIC}`);
}

const goalsOf = (page: Page): Promise<number[]> =>
  page.evaluate(() => (globalThis as unknown as { goals: number[] }).goals);

/** What the page's own document came over; the stream of the same origin shares that connection. */
function protocolOf(page: Page): Promise<string | undefined> {
  return page.evaluate(
    () =>
      performance
        .getEntriesByType("navigation")
        .map((entry) => (entry as PerformanceNavigationTiming).nextHopProtocol)[0],
  );
}

test("twelve pages hold a stream each over one HTTP/2 connection", async () => {
  test.setTimeout(60_000);
  const browser = await launch("--disable-quic");
  try {
    const context = await browser.newContext();
    const pages: Page[] = [];
    for (let count = 0; count < PAGES; count++) {
      const page = await context.newPage();
      await listen(page);
      pages.push(page);
    }
    for (const page of pages) expect(await protocolOf(page)).toBe("h2");
    expect(await server.metric("ovation_frontend_connections")).toBe(PAGES);
    for (let count = 1; count <= 5; count++)
      await server.publish([{ topic: TOPIC, type: "goal", data: count }]);
    for (const page of pages) await expect.poll(() => goalsOf(page)).toEqual([1, 2, 3, 4, 5]);
  } finally {
    await browser.close();
  }
});

test("a stream runs over HTTP/3 on the same port", async () => {
  test.setTimeout(60_000);
  const browser = await launch(
    "--enable-quic",
    `--origin-to-force-quic-on=127.0.0.1:${server.port}`,
  );
  try {
    const context = await browser.newContext();
    const pages = [await context.newPage(), await context.newPage()];
    for (const page of pages) {
      await listen(page);
      expect(await protocolOf(page)).toBe("h3");
    }
    for (let count = 1; count <= 50; count++)
      await server.publish([{ topic: TOPIC, type: "goal", data: count }]);
    for (const page of pages)
      await expect
        .poll(() => goalsOf(page))
        .toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  } finally {
    await browser.close();
  }
});

test("streams over HTTP/3 return at a new certificate, and miss nothing", async () => {
  test.setTimeout(90_000);
  const next = makeCertificate(mkdtempSync(join(directory, "next-")));
  trusted.push(next.fingerprint);
  const browser = await launch(
    "--enable-quic",
    `--origin-to-force-quic-on=127.0.0.1:${server.port}`,
  );
  try {
    const pages = await Promise.all(
      Array.from({ length: 6 }, async () => (await browser.newContext()).newPage()),
    );
    for (const page of pages) {
      await listen(page);
      expect(await protocolOf(page)).toBe("h3");
    }
    for (const form of ["cert", "key"] as const)
      copyFileSync(next[form], join(directory, `${form}.pem`));
    server.signal("SIGHUP");
    await expect.poll(() => server.output).toContain("the certificate");
    const sent = Array.from({ length: 40 }, (_, index) => index + 1);
    for (const number of sent) {
      await server.publish([{ topic: TOPIC, type: "goal", data: number, durable: true }]);
      await setTimeout(100);
    }
    for (const page of pages) await expect.poll(() => goalsOf(page)).toEqual(sent);
    const later = await (await browser.newContext()).newPage();
    await listen(later);
    expect(await protocolOf(later)).toBe("h3");
  } finally {
    await browser.close();
  }
});
