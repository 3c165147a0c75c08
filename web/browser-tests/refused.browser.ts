import type { Page } from "@playwright/test";
import { Server } from "../../testing/server.ts";
import { actAs, composer, connected, expect, openWatch, rows, test } from "./test.ts";

/** What a server or a browser refuses is said where the reader looks, with what to do. */

let server: Server;
let host: string;
test.beforeAll(async () => {
  server = await Server.start({ rateLimits: "off" });
  const flags = ["--sub", "mara", "--name", "Mara", "--role", "host", "--publish", "video:*"];
  host = await server.token(...flags);
});
test.afterAll(() => server.stop());

const status = (page: Page) => page.locator("live-comments [part=status]");

/** What a page on plain http, or in a frame without the right, finds. */
async function withoutClipboard(page: Page, copies: boolean): Promise<void> {
  await page.addInitScript((works) => {
    Object.defineProperty(navigator, "clipboard", { value: undefined });
    Object.defineProperty(navigator, "share", { value: undefined });
    document.execCommand = () => {
      const field = document.activeElement as HTMLTextAreaElement;
      document.documentElement.dataset["copied"] = works ? field.value : "";
      return works;
    };
  }, copies);
}

test("Share and Copy work without a clipboard, and say so", async ({ page }) => {
  await withoutClipboard(page, true);
  await openWatch(page, server, "plain");
  await page.getByRole("button", { name: "Share" }).click();
  const copied = page.locator("html");
  await expect(copied).toHaveAttribute("data-copied", `${server.url}/watch/plain`);
  await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
  await page.getByRole("button", { name: "Embed" }).click();
  await page.getByRole("button", { name: "Copy" }).first().click();
  await expect(copied).toHaveAttribute("data-copied", /<live-comments video="plain">/);
  await page.keyboard.press("Escape");
  await server.comment("plain", "a text to copy", host);
  await rows(page).last().hover();
  await rows(page).last().getByRole("button").click();
  await page.getByRole("menuitem", { name: "Copy the text" }).click();
  await expect(copied).toHaveAttribute("data-copied", "a text to copy");
});

test("where copying is refused the link is there to be copied by hand", async ({ page }) => {
  await withoutClipboard(page, false);
  await openWatch(page, server, "refused");
  const asked = new Promise<string>((resolve) => {
    page.once("dialog", (dialog) => {
      resolve(dialog.defaultValue());
      void dialog.dismiss();
    });
  });
  await page.getByRole("button", { name: "Share" }).click();
  expect(await asked).toBe(`${server.url}/watch/refused`);
  await server.comment("refused", "a text to copy", host);
  await rows(page).last().hover();
  await rows(page).last().getByRole("button").click();
  await page.getByRole("menuitem", { name: "Copy the text" }).click();
  await expect(status(page)).toContainText("copy it manually");
});

test("a page that is older than the server's build has its menu, or says what to do", async ({
  page,
}) => {
  await openWatch(page, server, "upgraded");
  await page.route(/menu-content-/, (route) => route.fulfill({ status: 404, body: "" }));
  await page.getByRole("button", { name: "Settings" }).click();
  await expect(status(page)).toContainText("reload the page");
  await expect(page.getByText("Screen reader announcements")).toBeHidden();
  // Left open for a while before the upgrade, a page has fetched what it needs.
  await page.unrouteAll();
  const ahead = page.waitForResponse(/menu-content-/);
  await openWatch(page, server, "upgraded");
  await ahead;
  await page.route(/menu-content-/, (route) => route.fulfill({ status: 404, body: "" }));
  await page.getByRole("button", { name: "Settings" }).click();
  await expect(page.getByText("Screen reader announcements")).toBeVisible();
});

test("a name that is taken is said at its field, and another one is accepted", async ({ page }) => {
  await page.route("**/v1/guests", async (route) => {
    if (route.request().postDataJSON().name !== "Mara") return route.continue();
    const body = { code: "name-taken", detail: "taken", status: 409 };
    return route.fulfill({ status: 409, contentType: "application/problem+json", json: body });
  });
  await openWatch(page, server, "names");
  await composer(page).fill("hello");
  await composer(page).press("Enter");
  const name = page.getByPlaceholder("Your name");
  await name.fill("Mara");
  await name.press("Enter");
  await expect(page.getByRole("alert")).toHaveText(
    "This name, or a similar one, is taken. Choose another one.",
  );
  await expect(name).toHaveAttribute("aria-invalid", "true");
  await name.fill("Mira");
  await name.press("Enter");
  await expect(rows(page).last()).toContainText("hello");
  // Guests are marked, in words, for all viewers.
  await expect(rows(page).last().locator(".badge.guest")).toHaveText("Guest");
});

test("closed comments say so in place of the field, to all but the staff", async ({
  page,
  context,
}) => {
  await server.request("PUT", "/v1/videos/over", { title: "Over", closed: true }, host);
  await actAs(context, server, await server.guest("Late"));
  await openWatch(page, server, "over");
  await expect(page.locator("live-comments [part=field]")).toHaveCount(0);
  await expect(page.locator("live-comments footer")).toContainText("Comments are closed.");
  await page.goto(`${server.url}/watch/over#token=${host}`);
  await page.reload();
  await connected(page);
  await expect(composer(page)).toBeVisible();
});

test("history that is limited says that it waits, and fills by itself", async ({ page }) => {
  await server.comment("limited", "a stored comment", host);
  let refusals = 4;
  await page.route(/\/v1\/videos\/limited\/comments\?/, (route) => {
    if (refusals-- <= 0) return route.continue();
    const body = { code: "rate-limited", detail: "slowly", status: 429, retryAfterMs: 1 };
    return route.fulfill({ status: 429, contentType: "application/problem+json", json: body });
  });
  await page.goto(`${server.url}/watch/limited`);
  await expect(status(page)).toContainText("Too many requests from your network");
  await expect(rows(page)).toHaveCount(1);
  await expect(status(page)).toBeHidden();
});

test("a deleted video is announced to its viewers and to new ones", async ({ page }) => {
  await server.request("PUT", "/v1/videos/gone", { title: "Gone", live: true }, host);
  await server.comment("gone", "a last comment", host);
  await openWatch(page, server, "gone");
  await expect(rows(page)).toHaveCount(1);
  await server.request("DELETE", "/v1/videos/gone", undefined, host);
  await expect(status(page)).toContainText("This video was deleted.");
  await expect(rows(page)).toHaveCount(0);
  await expect(page.locator("live-comments [part=field]")).toHaveCount(0);
  const response = await page.reload();
  expect(response?.status()).toBe(410);
  await expect(page.getByRole("heading", { name: "This video was deleted" })).toBeVisible();
});
