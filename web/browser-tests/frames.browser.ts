/**
 * Comments in frames to which the browser gives no storage: nothing that needs it may stop them.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type FrameLocator, type Page } from "@playwright/test";
import config from "../../playwright.config.ts";
import { Server } from "../../testing/server.ts";
import { expect, test } from "./test.ts";

let server: Server;
test.beforeAll(async () => {
  server = await Server.start({ rateLimits: "off" });
});
test.afterAll(() => server.stop());

/** A page of the site `parent` with a frame for each video. */
async function openFrames(
  page: Page,
  parent: string,
  sandbox: string,
  ...videos: string[]
): Promise<FrameLocator[]> {
  await page.goto(`${parent}/healthz`);
  const frames = videos.map(
    (video) => `<iframe ${sandbox} src="${server.url}/embed/${video}" height="500"></iframe>`,
  );
  await page.setContent(frames.join(""));
  return videos.map((_, index) => page.frameLocator(`iframe:nth-of-type(${index + 1})`));
}

/** What arrives by the stream is seen, and what is written is stored. */
async function works(frame: FrameLocator, video: string): Promise<void> {
  const ana = await server.guest("Ana");
  await expect(frame.locator("live-comments .viewers")).toBeVisible({ timeout: 15_000 });
  await server.comment(video, "from elsewhere", ana.token);
  const rows = frame.locator("live-comments li");
  await expect(rows).toContainText(["from elsewhere"]);
  const field = frame.getByRole("textbox", { name: "Comment" });
  await field.fill("from the frame");
  await field.press("Enter");
  const name = frame.getByPlaceholder("Your name");
  await name.fill("Ben");
  await name.press("Enter");
  await expect(rows.last()).toContainText("from the frame");
  await expect(rows.last()).toHaveAttribute("data-state", "sent");
}

test("in sandboxed frames without an origin comments arrive and can be written", async ({
  page,
}) => {
  const videos = ["sandboxed", "beside-it"];
  const frames = await openFrames(page, server.url, 'sandbox="allow-scripts"', ...videos);
  for (const [index, frame] of frames.entries()) await works(frame, videos[index] ?? "");
});

/**
 * A browser whose user has forbidden storage by its settings: to all sites, or to frames of others.
 */
async function withSettings(profile: object): Promise<readonly [BrowserContext, string]> {
  const directory = mkdtempSync(join(tmpdir(), "ovation-profile-"));
  mkdirSync(join(directory, "Default"));
  writeFileSync(join(directory, "Default/Preferences"), JSON.stringify({ profile }));
  const launch = config.use?.launchOptions ?? {};
  return [
    await chromium.launchPersistentContext(directory, { ...launch, locale: "en-US" }),
    directory,
  ];
}

const SETTINGS = {
  "all cookies are blocked": { default_content_setting_values: { cookies: 2 } },
  "third-party cookies are blocked": { cookie_controls_mode: 1, block_third_party_cookies: true },
};

for (const [name, profile] of Object.entries(SETTINGS)) {
  test(`where ${name} comments arrive and can be written, in a frame of another site`, async () => {
    const [context, directory] = await withSettings(profile);
    try {
      const video = name.replaceAll(" ", "-");
      const page = await context.newPage();
      const failures: string[] = [];
      context.on("weberror", (error) => failures.push(error.error().message));
      const elsewhere = server.url.replace("127.0.0.1", "localhost");
      const [frame] = await openFrames(page, elsewhere, "", video);
      if (frame !== undefined) await works(frame, video);
      const refused = await page.frames()[1]?.evaluate(() => {
        try {
          return localStorage === null;
        } catch {
          return true;
        }
      });
      if (name === "all cookies are blocked") expect(refused).toBe(true);
      expect(failures).toEqual([]);
    } finally {
      await context.close();
      rmSync(directory, { recursive: true, force: true });
    }
  });
}
