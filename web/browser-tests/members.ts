/** Members of a test, and their watch pages with an inbox. */

import type { Browser, BrowserContextOptions, Locator, Page } from "@playwright/test";
import type { Person, Server } from "../../testing/server.ts";
import { expect } from "./test.ts";

let count = 0;

/** A member of one test alone. */
export async function newMember(server: Server, name: string): Promise<Person> {
  const id = `${name.toLowerCase()}-${++count}`.replace(/[^a-z0-9-]/g, "");
  return { id, name, token: await server.token("--sub", id, "--name", name) };
}

/**
 * The watch page of a video, in a browser of one's own, where a site with a login has sent the
 * member.
 */
export async function openWatchAs(
  server: Server,
  browser: Browser,
  { token }: Person,
  video: string,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const page = await (await browser.newContext({ locale: "en-US", ...options })).newPage();
  await page.goto(`${server.url}/watch/${video}#token=${token}`);
  await expect(opener(page)).toHaveAttribute("aria-busy", "false");
  return page;
}

export function opener(page: Page): Locator {
  return page.locator("live-inbox .opener");
}
