/**
 * Playwright's test with what holds for every page here: no request leaves for another host, and no
 * script fails.
 */

import {
  type BrowserContext,
  test as base,
  expect,
  type Locator,
  type Page,
} from "@playwright/test";
import type { Person, Server } from "../../testing/server.ts";
import type { LiveComments } from "../live-comments.ts";

export { expect };

export const test = base.extend({
  context: async ({ context }, use) => {
    const foreign: string[] = [];
    const failures: string[] = [];
    context.on("request", (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (/^(https?|wss?):$/.test(protocol) && hostname !== "127.0.0.1")
        foreign.push(request.url());
    });
    context.on("weberror", (error) => failures.push(error.error().message));
    await use(context);
    expect(foreign, "requests to other hosts").toEqual([]);
    expect(failures, "uncaught errors").toEqual([]);
  },
});

/** The context's browser has been this guest before. */
export async function actAs(
  context: BrowserContext,
  server: Server,
  person: Person,
): Promise<void> {
  await context.addInitScript(
    ([key, token]) => {
      if (key !== undefined && token !== undefined) localStorage.setItem(key, token);
    },
    [`ovation:guest:${server.url}`, person.token],
  );
}

export async function openWatch(page: Page, server: Server, video = "demo"): Promise<void> {
  await page.goto(`${server.url}/watch/${video}`);
  await connected(page);
}

/** Playwright's own grow to a second, which the next step waits for. */
export const POLL_INTERVALS_MS = [20, 50, 100];

/** The page is filled, and the stream is open: whatever is written from now on comes by it. */
export async function connected(page: Page): Promise<void> {
  const state = (element: HTMLElement) => (element as LiveComments).session?.client.state.name;
  await expect
    .poll(() => page.locator("live-comments").evaluate(state), {
      timeout: 15_000,
      intervals: POLL_INTERVALS_MS,
    })
    .toBe("connected");
  await expect(page.locator("live-comments .viewers")).toBeVisible();
  await expect(page.locator("live-comments .skeleton")).toHaveCount(0);
}

export function rows(page: Page): Locator {
  return page.locator("live-comments li");
}

export function texts(page: Page): Promise<string[]> {
  return page.locator("live-comments li .text").allInnerTexts();
}

export function composer(page: Page): Locator {
  return page.getByRole("textbox", { name: "Comment" });
}

export async function write(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}
