import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { Server } from "../../testing/server.ts";
import { type SubPath, serveBelowPath } from "./nginx.ts";
import { composer, connected, expect, rows, test, write } from "./test.ts";

const ROOT = join(import.meta.dirname, "../..");

let server: Server;
let live: SubPath;
let host: string;
test.beforeAll(async () => {
  server = await Server.start({ rateLimits: "off", flags: ["--demo"] });
  live = await serveBelowPath(server.url);
  const flags = ["--sub", "mara", "--name", "Mara", "--role", "host", "--publish", "video:*"];
  host = await server.token(...flags);
  const media = [{ src: "/media/demo.mp4", type: "video/mp4" }];
  const poster = "/media/demo-poster.jpg";
  const video = { title: "Night market", media, poster, live: true };
  await server.request("PUT", "/v1/videos/market", video, host);
});
test.afterAll(async () => {
  await live.stop();
  await server.stop();
});

/** Everything that the page asks of the site is below the path, and is there. */
function watchRequests(page: Page): string[] {
  const astray: string[] = [];
  page.on("response", (response) => {
    const url = response.url();
    if (!url.startsWith("http")) return;
    if (!url.startsWith(`${live.url}/`) || response.status() >= 400)
      astray.push(`${response.status()} ${url}`);
  });
  return astray;
}

test("the pages work below a path: links, pictures, scripts, comments and likes", async ({
  page,
}) => {
  const astray = watchRequests(page);
  await page.goto(`${live.url}/`);
  const card = page.getByRole("link", { name: /Night market/ });
  const width = (image: HTMLImageElement) => image.naturalWidth;
  await expect.poll(() => card.locator("img").evaluate(width)).toBeGreaterThan(0);
  await card.click();
  await expect(page).toHaveURL(`${live.url}/watch/market`);
  await connected(page);
  const ready = (video: HTMLVideoElement) => video.readyState;
  await expect.poll(() => page.locator("video").evaluate(ready)).toBeGreaterThan(0);
  await write(page, "below a path");
  await page.getByPlaceholder("Your name").fill("Ana");
  await page.keyboard.press("Enter");
  await expect(rows(page).last()).toContainText("below a path");
  await expect(rows(page).last()).toHaveAttribute("data-state", "sent");
  // The stream brings what others write.
  await server.comment("market", "by the stream", host);
  await expect(rows(page).last()).toContainText("by the stream");
  await page.getByRole("button", { name: /Send a like/ }).click();
  await expect.poll(() => server.likes("market")).toBe(1);
  // The guest is remembered, and the inbox of those with a name is there.
  await page.reload();
  await connected(page);
  await page.locator("live-inbox [part=button]").click();
  await expect(page.getByRole("tab", { name: "Messages" })).toBeVisible();
  await page.keyboard.press("Escape");
  await page.locator(".brand").click();
  await expect(page).toHaveURL(`${live.url}/`);
  expect(astray).toEqual([]);
});

test("what the watch page gives away leads below the path", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: live.origin });
  await page.addInitScript(() => Object.assign(navigator, { share: undefined }));
  await page.goto(`${live.url}/watch/market`);
  await connected(page);
  await page.getByRole("button", { name: "Share" }).click();
  await expect
    .poll(() => page.evaluate(() => navigator.clipboard.readText()))
    .toBe(`${live.url}/watch/market`);
  await page.getByRole("button", { name: "Embed" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText(`src="${live.url}/live-comments.js"`);
  await expect(dialog).toContainText(`src="${live.url}/embed/market"`);
  await page.keyboard.press("Escape");
  const opened = context.waitForEvent("page");
  await page.getByRole("button", { name: "Pop out" }).click();
  const popUp = await opened;
  await expect(popUp).toHaveURL(`${live.url}/embed/market`);
  await connected(popUp);
});

test("pages in another language, and notices at any depth, find what they need", async ({
  browser,
}) => {
  const context = await browser.newContext({ locale: "de" });
  const page = await context.newPage();
  await page.goto(`${live.url}/watch/market`);
  await connected(page);
  await expect(page.getByRole("textbox", { name: "Kommentar" })).toBeVisible();
  for (const path of ["/nope", "/watch/", "/a/b/c", "/watch/no%20id"]) {
    const response = await page.goto(live.url + path);
    expect(response?.status(), path).toBe(404);
    const margin = () => page.evaluate(() => getComputedStyle(document.body).margin);
    expect(await margin(), `the style sheet of ${path}`).toBe("0px");
    await page.getByRole("link", { name: "Alle Live-Videos" }).click();
    await expect(page).toHaveURL(`${live.url}/`);
  }
  await context.close();
});

test("the element and the SDK of another site's page find the server below its path", async ({
  page,
}) => {
  const html = `<!doctype html><title>Another site</title>
<script type="module" src="${live.url}/live-comments.js"></script>
<live-comments video="market"></live-comments>`;
  const site = createServer((_, response) =>
    response.setHeader("content-type", "text/html").end(html),
  );
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  const address = site.address();
  await page.goto(`http://127.0.0.1:${typeof address === "object" ? address?.port : address}/`);
  await connected(page);
  await expect(composer(page)).toBeVisible();
  await server.comment("market", "for another site", host);
  await expect(rows(page).last()).toContainText("for another site");
  const read = async (url: string | undefined) =>
    page.evaluate(
      async ([base, given]) => {
        const { createClient } = await import(`${base}/sdk.js`);
        const client = createClient(given === undefined ? {} : { url: given });
        const { comments } = await client.video("market").history({ limit: 1 });
        client.close();
        return comments.at(-1).text;
      },
      [live.url, url] as const,
    );
  expect(await read(undefined)).toBe("for another site");
  expect(await read(`${live.url}/`)).toBe("for another site");
  site.close();
  // On the site itself a path is enough.
  await page.goto(`${live.url}/watch/market`);
  expect(await read("/live")).toBe("for another site");
});

test("replay and load talk to a server below a path", async () => {
  const run = async (...flags: string[]): Promise<string> => {
    const child = spawn("sh", [join(ROOT, "ovation/bin/ovation"), ...flags]);
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
    const [code] = await once(child, "close");
    return code === 0 ? text : `exit ${code}: ${text}`;
  };
  const sample = join(ROOT, "ovation/replay/sample.jsonl");
  const replayed = await run(
    ...["replay", sample, "--video", "replayed", "--speed", "max", "--limit", "3"],
    ...["--url", `${live.url}/`, "--token", host],
  );
  expect(replayed).toContain("3 comments by");
  expect(await server.comments("replayed")).toHaveLength(3);
  const loaded = await run(
    ...["load", "--url", `${live.url}/`, "--connections", "5", "--rate", "10"],
    ...["--duration", "2", "--warmup", "0", "--token", host, "--topics", "1"],
  );
  expect(loaded).not.toContain("exit");
});
