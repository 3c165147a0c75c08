import { Server } from "../../testing/server.ts";
import { actAs, connected, expect, openWatch, rows, test, texts, write } from "./test.ts";

let server: Server;
test.beforeEach(async () => {
  server = await Server.start({ rateLimits: "off" });
});
test.afterEach(() => server.stop());

test("after kill -9 and a restart nothing is missed and nothing comes twice", async ({
  page,
  context,
}) => {
  const ana = await server.guest("Ana");
  await actAs(context, server, await server.guest("Reader"));
  await openWatch(page, server);
  const expected: string[] = [];
  const send = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const text = `comment ${expected.length + 1}`;
      await server.comment("demo", text, ana.token);
      expected.push(text);
    }
  };
  await send(20);
  await expect(rows(page)).toHaveCount(20);
  await server.kill();
  await expect(page.getByText("Connection lost. Reconnecting…")).toBeVisible();
  await server.run();
  // Written while the page is still away.
  await send(15);
  await expect(rows(page)).toHaveCount(35, { timeout: 25_000 });
  await expect(page.getByText("Connection lost. Reconnecting…")).toBeHidden();
  await send(5);
  await expect(rows(page)).toHaveCount(40);
  expect(await texts(page)).toEqual(expected);
  // And who was signed in still is.
  await write(page, "still here");
  await expect(rows(page).last()).toHaveAttribute("data-state", "sent");
});

test("offline is said, and what came meanwhile is there afterwards", async ({ page, context }) => {
  const ana = await server.guest("Ana");
  await openWatch(page, server);
  await context.setOffline(true);
  await expect(page.getByText("You're offline.")).toBeVisible();
  await server.comment("demo", "you were away", ana.token);
  await context.setOffline(false);
  await expect(rows(page)).toContainText("you were away");
  await expect(page.getByText("You're offline.")).toBeHidden();
});

test("a page that opens while the server is away fills itself when it is back", async ({
  page,
}) => {
  const ana = await server.guest("Ana");
  await server.comment("demo", "stored before", ana.token);
  await page.route("**/v1/**", (route) => route.abort());
  await page.goto(`${server.url}/watch/demo`);
  await expect(page.getByText("The comments could not be loaded")).toBeVisible();
  await page.unroute("**/v1/**");
  await expect(rows(page)).toContainText("stored before", { timeout: 25_000 });
});

test("a part of the element that could not be loaded is loaded again", async ({ page }) => {
  const ana = await server.guest("Ana");
  await server.comment("demo", "shown after all", ana.token);
  await page.route("**/assets/view-*.js", (route) => route.abort());
  await page.goto(`${server.url}/watch/demo`);
  await page.waitForEvent("console", (message) => message.text().includes("retrying"));
  await page.unroute("**/assets/view-*.js");
  await expect(rows(page)).toContainText("shown after all", { timeout: 15_000 });
});

test("pins and removals between the snapshot and the stream are not missed", async ({ page }) => {
  const ana = await server.guest("Ana");
  const host = await server.token(
    "--sub",
    "mara",
    "--name",
    "Mara",
    "--role",
    "host",
    "--publish",
    "video:*",
  );
  const [gone, pinned] = [
    await server.comment("demo", "to be removed", ana.token),
    await server.comment("demo", "to be pinned", ana.token),
  ];
  let letThrough = (): void => {};
  const gate = new Promise<void>((resolve) => {
    letThrough = resolve;
  });
  await page.route("**/v1/events?**", async (route) => {
    await gate;
    await route.continue();
  });
  await page.goto(`${server.url}/watch/demo`);
  await expect(rows(page)).toHaveCount(2);
  await server.request("PUT", "/v1/videos/demo/pin", { seq: pinned }, host);
  await server.request("DELETE", `/v1/videos/demo/comments/${gone}`, {}, host);
  letThrough();
  await expect(rows(page)).toHaveText([/to be pinned/]);
  await expect(page.locator("live-comments [part=pinned]")).toContainText("to be pinned");
});

test("history that could not be read is read again at a press", async ({ page }) => {
  const ana = await server.guest("Ana");
  await server.comment("demo", "stored before", ana.token);
  await page.route("**/v1/videos/**", (route) => route.abort());
  await page.goto(`${server.url}/watch/demo`);
  const again = page.getByRole("button", { name: "Try again" });
  // The stream is open, and its first event had the history asked for once more.
  await expect(page.locator("live-comments .viewers")).toBeVisible();
  await expect(again).toBeVisible();
  await page.unroute("**/v1/videos/**");
  await again.click();
  await expect(rows(page)).toContainText("stored before");
});

test("a reader with a name has an inbox, also where the page's script loads late", async ({
  page,
  context,
}) => {
  await actAs(context, server, await server.guest("Reader"));
  let letThrough = (): void => {};
  const gate = new Promise<void>((resolve) => {
    letThrough = resolve;
  });
  await page.route("**/assets/watch-*.js", async (route) => {
    await gate;
    await route.continue();
  });
  await page.goto(`${server.url}/watch/demo`, { waitUntil: "commit" });
  await connected(page);
  letThrough();
  await expect(page.getByRole("button", { name: "Inbox" })).toBeVisible();
});

test("two pages of one browser share one event stream", async ({ context }) => {
  const streams = new Set<string>();
  const first = await context.newPage();
  const second = await context.newPage();
  for (const page of [first, second])
    page.on(
      "request",
      (request) => request.url().includes("/v1/events") && streams.add(request.url()),
    );
  let opened = 0;
  context.on("request", (request) => {
    if (request.url().includes("/v1/events")) opened++;
  });
  await openWatch(first, server);
  await openWatch(second, server);
  const ana = await server.guest("Ana");
  await server.comment("demo", "for both", ana.token);
  await expect(rows(first)).toContainText("for both");
  await expect(rows(second)).toContainText("for both");
  expect(opened).toBe(1);
  await first.close();
  await server.comment("demo", "after the first is gone", ana.token);
  await expect(rows(second).last()).toContainText("after the first is gone", { timeout: 15_000 });
});
