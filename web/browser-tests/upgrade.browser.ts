/**
 * A page stays open while the server is replaced by one of another build: no late part of it is
 * there any more.
 */

import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, Server } from "../../testing/server.ts";
import { LOAD_AHEAD_MS } from "../element/limits.ts";
import { actAs, composer, expect, openWatch, rows, test, texts, write } from "./test.ts";

/** What a page loads late, or may. */
const LATE_PARTS = [
  "client/transport/transport-fetch.ts",
  "client/transport/transport-poll.ts",
  "web/element/hearts.ts",
  "web/element/menu/menu-content.ts",
  "web/inbox/pages.ts",
];

/** A checkout whose late parts have other contents, and so other names. */
function nextBuild(): string {
  const checkout = mkdtempSync(join(tmpdir(), "ovation-next-build-"));
  const { workspaces } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    workspaces: string[];
  };
  const modules = join(checkout, "node_modules");
  mkdirSync(join(modules, "@ovation"), { recursive: true });
  for (const name of readdirSync(join(ROOT, "node_modules")))
    if (name !== "@ovation") symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  for (const name of workspaces) {
    cpSync(join(ROOT, name), join(checkout, name), { recursive: true });
    symlinkSync(join(checkout, name), join(modules, "@ovation", name));
  }
  cpSync(join(ROOT, "package.json"), join(checkout, "package.json"));
  for (const part of LATE_PARTS)
    appendFileSync(join(checkout, part), '\nexport const nextBuild = "of the next build";\n');
  return checkout;
}

let server: Server;
let next: string;
test.beforeAll(async () => {
  next = nextBuild();
  server = await Server.start({ rateLimits: "off" });
});
test.afterAll(async () => {
  await server.stop();
  rmSync(next, { recursive: true, force: true });
});

test("a page that stays open over an upgrade keeps its menu, inbox and draft", async ({
  page,
  context,
}) => {
  await actAs(context, server, await server.guest("Ben"));
  const loaded = new Set<string>();
  page.on("response", (response) => {
    if (response.ok()) loaded.add(new URL(response.url()).pathname);
  });
  await openWatch(page, server, "upgraded");
  await expect(page.getByRole("button", { name: "Inbox" })).toBeVisible();
  const late = ["transport-fetch", "transport-poll", "hearts", "menu-content", "pages"];
  const found = (part: string) => [...loaded].find((path) => path.includes(`/assets/${part}-`));
  // A quiet page fetches them by itself.
  for (const part of late) await expect.poll(() => found(part), { timeout: 15_000 }).toBeDefined();
  await composer(page).fill("a draft");

  await server.kill();
  await server.run(next);
  for (const part of late)
    expect((await fetch(`${server.url}${found(part)}`)).status, part).toBe(404);

  const ana = await server.guest("Ana");
  await server.comment("upgraded", "after the upgrade", ana.token);
  await expect.poll(() => texts(page), { timeout: 25_000 }).toEqual(["after the upgrade"]);
  await page.getByRole("button", { name: "Settings" }).click();
  await expect(page.getByText("Screen reader announcements")).toBeVisible();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Inbox" }).click();
  await expect(page.getByText("No messages yet")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(composer(page)).toHaveValue("a draft");
  await write(page, "sent by the old page");
  await expect(rows(page).last()).toHaveAttribute("data-state", "sent");
});

test("an inbox whose panel is gone says so, and offers another try", async ({ page, context }) => {
  await actAs(context, server, await server.guest("Cid"));
  await page.route(/\/assets\/pages-/, (route) => route.fulfill({ status: 404, body: "" }));
  await openWatch(page, server, "panel");
  await page.getByRole("button", { name: "Inbox" }).click();
  const told = page.getByRole("button", { name: "The inbox could not be loaded" });
  await expect(told).toBeVisible();
  await page.unrouteAll();
  await told.click();
  await expect(page.getByText("No messages yet")).toBeVisible();
});

test("late parts that are gone throw nothing, and the menu says what to do", async ({
  page,
  context,
}) => {
  await actAs(context, server, await server.guest("Dee"));
  // As from the next build: every late part of this one is missing.
  const late = /\/assets\/(menu-content|hearts|pages|transport-poll|transport-fetch|inbox)-/;
  await page.route(late, (route) => route.fulfill({ status: 404, body: "" }));
  const thrown: string[] = [];
  page.on("pageerror", (error) => thrown.push(error.message));
  await openWatch(page, server, "late");
  await page.getByRole("button", { name: "Settings" }).click();
  await expect(
    page.getByText("The menu could not be loaded. Try again, or reload the page."),
  ).toBeVisible();
  await page.getByRole("button", { name: /Send a like/ }).click();
  await expect(page.getByRole("button", { name: /Send a like/ })).toHaveText("1");
  await write(page, "from a page of an old build");
  await expect(rows(page).last()).toHaveAttribute("data-state", "sent");
  await rows(page).last().getByRole("button", { name: "Actions" }).click();
  await expect(
    page.getByText("The menu could not be loaded. Try again, or reload the page."),
  ).toBeVisible();
  // What the page fetches ahead has failed by now, too.
  await page.waitForTimeout(LOAD_AHEAD_MS + 1000);
  expect(thrown).toEqual([]);
  await page.unrouteAll();
  await page.reload();
  await page.getByRole("button", { name: "Settings" }).click();
  await expect(page.getByText("Screen reader announcements")).toBeVisible();
});
