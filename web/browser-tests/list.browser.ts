import type { Page } from "@playwright/test";
import { type Person, Server } from "../../testing/server.ts";
import { actAs, expect, openWatch, rows, test, texts, write } from "./test.ts";

let server: Server;
let ana: Person;
test.beforeAll(async () => {
  server = await Server.start({ rateLimits: "off" });
  ana = await server.guest("Ana");
});
test.afterAll(() => server.stop());

async function fill(video: string, count: number, from = 1): Promise<void> {
  for (let number = from; number < from + count; number++)
    await server.comment(video, `comment ${number}`, ana.token);
}

const scroller = (page: Page) => page.locator("live-comments [part=list]");
const pill = (page: Page) => page.locator("live-comments [part=pill]");
const distanceToEnd = (page: Page) =>
  scroller(page).evaluate((list) => list.scrollHeight - list.scrollTop - list.clientHeight);

test("who joins sees the last 50, and loads earlier ones without a jump", async ({ page }) => {
  await fill("joining", 70);
  await openWatch(page, server, "joining");
  await expect(rows(page)).toHaveCount(50);
  expect(await distanceToEnd(page)).toBeLessThan(2);
  await scroller(page).evaluate((list) => {
    list.scrollTop = 0;
  });
  const anchor = rows(page).filter({ hasText: /comment 21$/ });
  const before = await anchor.boundingBox();
  await page.getByRole("button", { name: "Load earlier comments" }).click();
  await expect(rows(page)).toHaveCount(70);
  const after = await anchor.boundingBox();
  // The button above them has become a line of text: its height is all that may differ.
  expect(Math.abs((after?.y ?? 0) - (before?.y ?? 0))).toBeLessThan(24);
  await expect(page.getByText("Beginning of the conversation")).toBeAttached();
  expect((await texts(page)).map((text) => Number(text.split(" ")[1]))).toEqual(
    Array.from({ length: 70 }, (_, index) => index + 1),
  );
});

test("scrolling up pauses, the pill counts, and one press is back at the end", async ({ page }) => {
  await fill("scrolling", 40);
  await openWatch(page, server, "scrolling");
  await expect(rows(page)).toHaveCount(40);
  await scroller(page).hover();
  await page.mouse.wheel(0, -600);
  await expect(pill(page)).toBeVisible();
  const top = await scroller(page).evaluate((list) => list.scrollTop);
  await fill("scrolling", 3, 41);
  await expect(pill(page)).toHaveText("3 new comments");
  await expect(rows(page)).toHaveCount(40);
  expect(await scroller(page).evaluate((list) => list.scrollTop)).toBe(top);
  await fill("scrolling", 110, 44);
  await expect(pill(page)).toHaveText("99+ new comments");
  await pill(page).click();
  await expect(pill(page)).toBeHidden();
  await expect(rows(page).last()).toContainText("comment 153");
  expect(await distanceToEnd(page)).toBeLessThan(2);
  // The page itself never moved.
  expect(await page.evaluate(() => scrollY)).toBe(0);
});

test("scrolling back to the end by hand follows again", async ({ page }) => {
  await fill("by-hand", 40);
  await openWatch(page, server, "by-hand");
  await expect(rows(page)).toHaveCount(40);
  await scroller(page).hover();
  await page.mouse.wheel(0, -500);
  await expect(pill(page)).toBeVisible();
  await fill("by-hand", 1, 41);
  await page.mouse.wheel(0, 3000);
  await expect(pill(page)).toBeHidden();
  await expect(rows(page).last()).toContainText("comment 41");
});

test("the pause button holds the list at its end until it is pressed again", async ({ page }) => {
  await fill("holding", 5);
  await openWatch(page, server, "holding");
  await expect(rows(page)).toHaveCount(5);
  await page.getByRole("button", { name: "Pause comments" }).click();
  await fill("holding", 2, 6);
  await expect(pill(page)).toHaveText("2 new comments");
  await expect(rows(page)).toHaveCount(5);
  await page.getByRole("button", { name: "Resume comments" }).click();
  await expect(rows(page)).toHaveCount(7);
});

test("one's own comment jumps to the end", async ({ page, context }) => {
  await fill("own", 40);
  await actAs(context, server, await server.guest("Me"));
  await openWatch(page, server, "own");
  await expect(rows(page)).toHaveCount(40);
  await scroller(page).hover();
  await page.mouse.wheel(0, -600);
  await expect(pill(page)).toBeVisible();
  await write(page, "mine");
  await expect(pill(page)).toBeHidden();
  await expect(rows(page).last()).toContainText("mine");
  await expect.poll(() => distanceToEnd(page)).toBeLessThan(2);
});

test("never more than 200 rows, and they are the newest, in order", async ({ page }) => {
  await openWatch(page, server, "many");
  await fill("many", 320);
  await expect(rows(page).last()).toContainText("comment 320");
  await expect(rows(page)).toHaveCount(200);
  expect((await texts(page)).map((text) => Number(text.split(" ")[1]))).toEqual(
    Array.from({ length: 200 }, (_, index) => index + 121),
  );
});

test("a comment that is removed while one reads vanishes, and nothing else moves", async ({
  page,
}) => {
  await fill("removing", 30);
  const token = await server.token("--sub", "mod", "--role", "moderator");
  await openWatch(page, server, "removing");
  await expect(rows(page)).toHaveCount(30);
  await scroller(page).evaluate((list) => {
    list.scrollTop = 0;
  });
  await expect(pill(page)).toBeVisible();
  const below = rows(page).filter({ hasText: /comment 5$/ });
  const before = await below.boundingBox();
  await server.request("DELETE", "/v1/videos/removing/comments/3", undefined, token);
  await expect(rows(page).filter({ hasText: /comment 3$/ })).toBeHidden();
  const after = await below.boundingBox();
  expect(Math.abs((after?.y ?? 0) - (before?.y ?? 99))).toBeLessThan(1);
});

test("arrow keys move by rows, one stop each, and the menu opens from the keyboard", async ({
  page,
}) => {
  await fill("keys", 12);
  await openWatch(page, server, "keys");
  await expect(rows(page)).toHaveCount(12);
  await scroller(page).focus();
  await page.keyboard.press("ArrowUp");
  await expect(rows(page).last()).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await expect(rows(page).nth(10)).toBeFocused();
  await page.keyboard.press("Home");
  await expect(rows(page).first()).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("menuitem", { name: "Reply" })).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("menuitem").nth(1)).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("menuitem", { name: "Reply" })).toBeHidden();
  await expect(rows(page).first()).toBeFocused();
  await page.keyboard.press("End");
  await expect(rows(page).last()).toBeFocused();
  await expect(pill(page)).toBeHidden();
});
