import type { Page } from "@playwright/test";
import { Server } from "../../testing/server.ts";
import { HEART_SCALE_MAX } from "../element/limits.ts";
import { expect, openWatch, test } from "./test.ts";

let server: Server;
test.beforeAll(async () => {
  server = await Server.start({ rateLimits: "off" });
});
test.afterAll(() => server.stop());

const like = (page: Page) => page.getByRole("button", { name: /Send a like/ });

/** Whether anything is drawn on the hearts' canvas. */
function drawn(page: Page): Promise<boolean> {
  return page.locator("live-comments canvas").evaluate((canvas: HTMLCanvasElement) => {
    if (canvas.width === 0 || canvas.height === 0) return false;
    const pixels =
      canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    return pixels.some((value) => value > 0);
  });
}

test("likes count at once for who sends them, and arrive with hearts at the others", async ({
  page,
  browser,
}) => {
  const other = await (await browser.newContext()).newPage();
  await Promise.all([openWatch(page, server), openWatch(other, server)]);
  for (let tap = 0; tap < 5; tap++) await like(page).click();
  await expect(like(page)).toHaveText("5");
  await expect.poll(() => drawn(page)).toBe(true);
  await expect(like(other)).toHaveText("5");
  await expect.poll(() => drawn(other)).toBe(true);
  // They fly, and then the canvas rests.
  await expect.poll(() => drawn(other), { timeout: 10_000 }).toBe(false);
  expect(await server.likes("demo")).toBe(5);
  await expect(like(page)).toHaveText("5");
  await other.context().close();
});

test("no hearts with reduced motion or when switched off; the count continues", async ({
  page,
  browser,
}) => {
  const calm = await (await browser.newContext({ reducedMotion: "reduce" })).newPage();
  await Promise.all([openWatch(page, server, "calm"), openWatch(calm, server, "calm")]);
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("switch", { name: "Floating hearts" }).uncheck();
  await page.keyboard.press("Escape");
  await server.request("POST", "/v1/videos/calm/likes", { kind: "like", count: 12 });
  for (const each of [page, calm]) {
    await expect(like(each)).toHaveText("12");
    expect(await drawn(each)).toBe(false);
  }
  await calm.context().close();
});

test("HEART_SCALE_MAX: on a sharper screen the hearts' canvas has no more pixels", async ({
  browser,
}) => {
  const context = await browser.newContext({ deviceScaleFactor: HEART_SCALE_MAX + 1 });
  const page = await context.newPage();
  await openWatch(page, server, "sharp");
  await like(page).click();
  await expect.poll(() => drawn(page)).toBe(true);
  const scale = await page
    .locator("live-comments canvas")
    .evaluate((canvas: HTMLCanvasElement) => canvas.width / canvas.clientWidth);
  expect(scale).toBeCloseTo(HEART_SCALE_MAX, 1);
  await context.close();
});

test("hide-reactions takes the button and the hearts away", async ({ page }) => {
  await page.goto(`${server.url}/embed/hidden?hide-reactions&readonly`);
  await expect(page.getByText("No comments yet")).toBeVisible();
  await expect(like(page)).toHaveCount(0);
  await expect(page.getByRole("textbox")).toHaveCount(0);
});
