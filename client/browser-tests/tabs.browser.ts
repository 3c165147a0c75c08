/**
 * Tabs on plain http, where browsers have no Web Locks and open at most six connections to a host.
 */

import { expect, type Page, test } from "@playwright/test";
import config from "../../playwright.config.ts";
import { type RealPages, startRealPages } from "./real-pages.ts";

const HOST = "live.test";
const launch = config.use?.launchOptions;

test.use({
  launchOptions: {
    ...launch,
    args: [
      ...(launch?.args ?? []),
      `--host-resolver-rules=MAP ${HOST} 127.0.0.1`,
      // Pages that a test answers have no IP address, and would be blocked from a loopback one.
      "--ip-address-space-overrides=127.0.0.1:0=public",
    ],
  },
});

let pages: RealPages;
test.beforeAll(async ({ browser }) => {
  pages = await startRealPages(browser, HOST);
});
test.afterAll(async () => {
  await pages.close();
});
test.afterEach(async () => {
  for (const page of pages.context.pages()) await page.close();
  // A client that polls counts as a connection for ten seconds after its last poll.
  await expect.poll(() => pages.connections(), { timeout: 20_000 }).toBe(0);
});

function comments(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    (globalThis as unknown as { lines: string[] }).lines.filter((line) =>
      line.startsWith("comment"),
    ),
  );
}

async function openTabs(video: string, count: number, options = {}): Promise<Page[]> {
  const tabs: Page[] = [];
  for (let index = 0; index < count; index++)
    tabs.push(await pages.open(`video:${video}`, options));
  for (const tab of tabs) await expect.poll(() => tab.evaluate("state")).toBe("connected");
  return tabs;
}

async function guestToken(): Promise<string> {
  const response = await fetch(`${pages.url}/v1/guests`, {
    method: "POST",
    body: '{"name":"Ana"}',
    headers: { "content-type": "application/json" },
  });
  return ((await response.json()) as { token: string }).token;
}

test("eight tabs without Web Locks share a connection: each hears and each can post", async () => {
  const tabs = await openTabs("plain", 8, { token: await guestToken() });
  const [first] = tabs as [Page];
  expect(await first.evaluate(() => [isSecureContext, "locks" in navigator])).toEqual([
    false,
    false,
  ]);
  await expect.poll(() => pages.connections()).toBe(1);
  for (const [index, tab] of tabs.entries())
    await tab.evaluate(
      (text) =>
        (
          globalThis as unknown as {
            client: { video(id: string): { comment(text: string): Promise<unknown> } };
          }
        ).client
          .video("plain")
          .comment(text),
      `from tab ${index}`,
    );
  const all = tabs.map((_, index) => `comment ${index + 1}`);
  for (const tab of tabs) await expect.poll(() => comments(tab)).toEqual(all);
});

test("a crashed leader is replaced within seconds, without loss or duplicate", async () => {
  const [leader, ...others] = await openTabs("plain-crash", 8);
  await expect.poll(() => pages.connections()).toBe(1);
  await pages.comment("plain-crash", "before");
  const session = await pages.context.newCDPSession(leader as Page);
  const crashed = new Promise((resolve) => leader?.once("crash", resolve));
  // Never answered: the page has crashed.
  session.send("Page.crash").catch(() => {});
  await crashed;
  await pages.comment("plain-crash", "after");
  for (const tab of others)
    await expect.poll(() => comments(tab), { timeout: 8000 }).toEqual(["comment 1", "comment 2"]);
  await expect.poll(() => pages.connections()).toBe(1);
});

test("a leader that is closed is replaced at once", async () => {
  const [leader, ...others] = await openTabs("plain-close", 3);
  await leader?.close();
  await pages.comment("plain-close", "after");
  for (const tab of others)
    await expect.poll(() => comments(tab), { timeout: 2000 }).toEqual(["comment 1"]);
});

test("a leader that the browser freezes hands over, and misses nothing", async () => {
  const [leader, other] = (await openTabs("plain-freeze", 2)) as [Page, Page];
  await expect.poll(() => pages.connections()).toBe(1);
  const session = await pages.context.newCDPSession(leader);
  await session.send("Page.setWebLifecycleState", { state: "frozen" });
  await pages.comment("plain-freeze", "meanwhile");
  await expect.poll(() => comments(other), { timeout: 8000 }).toEqual(["comment 1"]);
  await session.send("Page.setWebLifecycleState", { state: "active" });
  await expect.poll(() => comments(leader), { timeout: 8000 }).toEqual(["comment 1"]);
  await pages.comment("plain-freeze", "after");
  for (const tab of [leader, other])
    await expect.poll(() => comments(tab)).toEqual(["comment 1", "comment 2"]);
  await expect.poll(() => pages.connections()).toBe(1);
});
