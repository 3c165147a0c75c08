import { once } from "node:events";
import { createServer } from "node:http";
import { Server } from "../../testing/server.ts";
import { violations } from "./axe.ts";
import { connected, expect, openWatch, rows, test } from "./test.ts";

let server: Server;
test.beforeAll(async () => {
  server = await Server.start({ rateLimits: "off" });
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
  const media = [{ src: "/media/demo.mp4", type: "video/mp4" }];
  await server.request(
    "PUT",
    "/v1/videos/demo",
    { title: "Night market", media, poster: "/media/demo-poster.jpg", live: true },
    host,
  );
  const people = await Promise.all(
    ["Ana", "مريم", "Tomás", "chen_wei"].map((name) => server.guest(name)),
  );
  for (const [index, text] of [
    "Hello",
    "مرحبا بالجميع",
    "see https://example.org",
    "@Mara wow",
    "last",
  ].entries())
    await server.comment("demo", text, people[index % people.length]?.token ?? "");
  const seq = await server.comment("demo", "Welcome!", host);
  await server.request(
    "POST",
    "/v1/publish",
    { topic: "video:demo", type: "pin", data: { seq }, durable: true },
    host,
  );
});
test.afterAll(() => server.stop());

const PAGES = [
  "/",
  "/watch/demo",
  "/watch/quiet",
  "/embed/demo",
  "/embed/demo?compact",
  "/watch/%00",
];
const VIEWS = [
  { name: "light", options: { colorScheme: "light" } },
  { name: "dark", options: { colorScheme: "dark" } },
  { name: "right-to-left", options: { locale: "ar" } },
  {
    name: "phone",
    options: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  },
] as const;

for (const { name, options } of VIEWS) {
  test.describe(name, () => {
    // What is still fading in has no contrast yet.
    test.use({ ...options, contextOptions: { reducedMotion: "reduce" } });
    test(`axe finds nothing on any page (${name})`, async ({ page }) => {
      for (const path of PAGES) {
        await page.goto(server.url + path);
        if (path !== "/" && !path.includes("%00")) await connected(page);
        expect(await violations(page), path).toEqual([]);
      }
    });
  });
}

test("axe finds nothing in the menus, the name form and the embed dialog", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await openWatch(page, server);
  await page.getByRole("button", { name: "Settings" }).click();
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await rows(page).last().hover();
  await rows(page).last().getByRole("button").click();
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("textbox", { name: "Comment" }).fill("hello");
  await page.keyboard.press("Enter");
  await expect(page.getByPlaceholder("Your name")).toBeFocused();
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "Embed" }).click();
  await expect(page.getByRole("dialog")).toContainText(
    `<live-comments video="demo"></live-comments>`,
  );
  expect(await violations(page)).toEqual([]);
});

test("on a phone the video is on top, the composer at the bottom, and all fits the width", async ({
  browser,
}) => {
  const context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    isMobile: true,
    hasTouch: true,
  });
  const page = await context.newPage();
  await openWatch(page, server);
  const video = await page.locator("video").boundingBox();
  const field = await page.locator("live-comments [part=field]").boundingBox();
  expect(video?.x).toBe(0);
  expect(video?.width).toBe(390);
  expect((field?.y ?? 0) + (field?.height ?? 0)).toBeGreaterThan(844 - 40);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  for (const button of await page.getByRole("button").all()) {
    const box = await button.boundingBox();
    if (box === null) continue;
    expect(
      Math.min(box.width, box.height),
      `button ${(await button.getAttribute("aria-label")) ?? ""}`,
    ).toBeGreaterThanOrEqual(24);
  }
  await context.close();
});

test("the picture is at the position of the wall clock, for all viewers", async ({ page }) => {
  // The clip comes with the demo.
  const demo = await Server.start({ rateLimits: "off", flags: ["--demo"] });
  await openWatch(page, demo);
  const drift = () =>
    page.locator("video").evaluate((video: HTMLVideoElement) => {
      const off = Math.abs(video.currentTime - ((Date.now() / 1000) % video.duration));
      return Math.min(off, video.duration - off);
    });
  await expect.poll(drift).toBeLessThan(1.5);
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await expect.poll(drift).toBeGreaterThan(1.5);
  await page.getByRole("button", { name: "Back to live" }).click();
  await expect.poll(drift).toBeLessThan(1.5);
  await page.getByRole("button", { name: "Unmute" }).click();
  await expect(page.getByRole("button", { name: "Mute", exact: true })).toBeVisible();
  await demo.stop();
});

test("the home page shows what is live, and a card leads to its video", async ({ page }) => {
  await page.goto(server.url);
  const card = page.getByRole("link", { name: /Night market/ });
  await expect(card).toContainText("comments");
  await card.click();
  await expect(page).toHaveURL(`${server.url}/watch/demo`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Night market");
});

test("a video that is not there is answered with 404 and a way home", async ({ page }) => {
  const response = await page.goto(`${server.url}/watch/%00`);
  expect(response?.status()).toBe(404);
  await page.getByRole("link", { name: "All live videos" }).click();
  await expect(page).toHaveURL(`${server.url}/`);
});

test("only /embed may be put into a frame, and no page runs a script of its own text", async ({
  page,
  request,
}) => {
  const policy = async (path: string) =>
    (await request.get(server.url + path)).headers()["content-security-policy"];
  expect(await policy("/watch/demo")).toContain("frame-ancestors 'self'");
  expect(await policy("/embed/demo")).toContain("frame-ancestors *");
  await openWatch(page, server);
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "globalThis.injected = true";
    document.head.append(script);
  });
  expect(await page.evaluate(() => "injected" in globalThis)).toBe(false);
});

test("the element works on a page of another site, from its two stable addresses", async ({
  page,
}) => {
  const html =
    "<!doctype html><title>Another site</title>" +
    `<script type="module" src="${server.url}/live-comments.js"></script>` +
    '<live-comments video="demo"></live-comments>';
  const site = createServer((_, response) =>
    response.setHeader("content-type", "text/html").end(html),
  );
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  const address = site.address();
  await page.goto(`http://127.0.0.1:${typeof address === "object" ? address?.port : address}/`);
  await expect(rows(page).last()).toContainText("Welcome!");
  const sdk = await page.evaluate(
    async (url) => typeof (await import(url)).createClient,
    `${server.url}/sdk.js`,
  );
  expect(sdk).toBe("function");
  site.close();
});

test("a page with a plain EventSource and no SDK sees comments", async ({ page }) => {
  await page.goto(`${server.url}/favicon.svg`);
  const ana = await server.guest("Ana");
  const received = page.evaluate(
    (url) =>
      new Promise<string>((resolve) => {
        const source = new EventSource(url);
        source.addEventListener("comment", (event) => {
          source.close();
          resolve(event.data);
        });
        source.addEventListener("connection", () => {
          document.documentElement.dataset["open"] = "yes";
        });
      }),
    `${server.url}/v1/events?topic=video:plain`,
  );
  await expect(page.locator("[data-open=yes]")).toHaveCount(1);
  await server.comment("plain", "no SDK needed", ana.token);
  expect(JSON.parse(await received).data.text).toBe("no SDK needed");
});
