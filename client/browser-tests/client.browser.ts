/**
 * The SDK in Chromium: its own EventSource, tabs that share one connection, an unreliable network.
 */

import { expect, type Page, test } from "@playwright/test";
import { type RealPages, startRealPages } from "./real-pages.ts";

let pages: RealPages;

test.beforeAll(async ({ browser }) => {
  pages = await startRealPages(browser);
});
test.afterAll(async () => {
  await pages.close();
});
test.afterEach(async () => {
  for (const page of pages.context.pages()) await page.close();
  // A client that polls counts as a connection for ten seconds after its last poll.
  await expect.poll(() => pages.connections(), { timeout: 20_000 }).toBe(0);
  pages.streams.length = 0;
});

/** The SDK's callbacks for the topic: no states. */
function heard(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    (globalThis as unknown as { lines: string[] }).lines.filter(
      (line) => !line.startsWith("state"),
    ),
  );
}
function states(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    (globalThis as unknown as { lines: string[] }).lines.filter((line) => line.startsWith("state")),
  );
}
async function subscribed(page: Page): Promise<void> {
  await expect.poll(() => heard(page)).toContainEqual(expect.stringMatching(/^subscribed/));
}

test("eight tabs over HTTP/1.1 share one connection and get every comment", async () => {
  const tabs: Page[] = [];
  for (let count = 0; count < 8; count++) tabs.push(await pages.open("video:tabs"));
  for (const tab of tabs) await subscribed(tab);
  expect(await pages.connections()).toBe(1);
  await pages.comment("tabs", "one");
  await pages.comment("tabs", "two");
  for (const tab of tabs)
    await expect.poll(() => heard(tab)).toEqual(["subscribed 0", "comment 1", "comment 2"]);
});

test("when the leading tab crashes another leads, without loss or duplicate", async () => {
  const leader = await pages.open("video:crash");
  await subscribed(leader);
  const others = [await pages.open("video:crash"), await pages.open("video:crash")];
  for (const tab of others) await subscribed(tab);
  await pages.comment("crash", "before");
  for (const tab of others)
    await expect.poll(() => heard(tab)).toEqual(["subscribed 0", "comment 1"]);
  const session = await pages.context.newCDPSession(leader);
  const crashed = new Promise((resolve) => leader.once("crash", resolve));
  // Never answered: the page has crashed.
  session.send("Page.crash").catch(() => {});
  await crashed;
  for (let count = 0; count < 5; count++) await pages.comment("crash", "after");
  const all = ["subscribed 0", ...[1, 2, 3, 4, 5, 6].map((seq) => `comment ${seq}`)];
  for (const tab of others) await expect.poll(() => heard(tab)).toEqual(all);
  await expect.poll(() => pages.connections()).toBe(1);
});

test("a tab with a token of its own has a connection of its own", async () => {
  const token = (
    (await (
      await fetch(`${pages.url}/v1/guests`, {
        method: "POST",
        body: '{"name":"Ana"}',
        headers: { "content-type": "application/json" },
      })
    ).json()) as { token: string }
  ).token;
  const tabs = [await pages.open("video:tokens"), await pages.open("video:tokens", { token })];
  for (const tab of tabs) await subscribed(tab);
  expect(await pages.connections()).toBe(2);
});

for (const shareTabs of [false, true]) {
  test(`a killed server restarts without loss (${shareTabs ? "shared" : "own"})`, async () => {
    const video = `kill-${shareTabs}`;
    const tab = await pages.open(`video:${video}`, { shareTabs });
    await subscribed(tab);
    await pages.comment(video, "before");
    await pages.kill();
    await pages.start();
    await pages.comment(video, "after");
    await expect
      .poll(() => heard(tab), { timeout: 10_000 })
      .toEqual(["subscribed 0", "comment 1", "comment 2"]);
    expect(await states(tab)).toContain("state waiting/network");
  });
}

test("off-line is a state, and on-line again the client resumes at once", async () => {
  const tab = await pages.open("video:offline", {
    shareTabs: false,
    retryMs: { first: 30_000, longest: 60_000 },
  });
  await subscribed(tab);
  await pages.context.setOffline(true);
  await expect.poll(() => states(tab)).toContain("state waiting/offline");
  await pages.comment("offline", "meanwhile");
  await pages.context.setOffline(false);
  await expect.poll(() => heard(tab)).toEqual(["subscribed 0", "comment 1"]);
});

test("a refused token is a state with its reason, though EventSource hides it", async () => {
  const tab = await pages.open("video:refused", { shareTabs: false, token: "not-a-token" });
  await expect.poll(() => states(tab)).toContain("state failed/token-invalid");
});
