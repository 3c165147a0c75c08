/**
 * zstd once for all, as real browsers read it: the stream is one zstd frame after another, which a
 * late joiner reads from its own start, a slow one continues, and a returning one begins again.
 */

import { randomBytes } from "node:crypto";
import { expect, type Page, test } from "@playwright/test";
import { Server } from "../../testing/server.ts";
import { openFirefox } from "./firefox.ts";
import { ReportingPage } from "./reporting-page.ts";
import { WatchedProxy } from "./watched-proxy.ts";

/** What a `comment` has at least, also from a server. */
const AUTHOR = { id: "ana", name: "Ana", role: "member" };
const TOPIC = "video:zstd";
/** More than kernels and the ring hold: random, so that it stays as large when it is compressed. */
const NOISE_EVENTS = 320;
const NOISE_BYTES = 45_000;
/** What one publish may hold. */
const NOISE_AT_ONCE = 16;

interface Setting {
  readonly server: Server;
  readonly proxy: WatchedProxy;
  readonly page: ReportingPage;
  readonly stream: string;
}

async function setUp(): Promise<Setting> {
  const server = await Server.start({
    flags: ["--heartbeat-seconds", "1", "--stuck-seconds", "60"],
  });
  const proxy = new WatchedProxy(server.port);
  const page = new ReportingPage();
  await Promise.all([proxy.listen(), page.listen()]);
  return { server, proxy, page, stream: `http://127.0.0.1:${proxy.port}/v1/events?topic=${TOPIC}` };
}

async function tearDown({ server, proxy, page }: Setting): Promise<void> {
  proxy.close();
  page.close();
  await server.stop();
}

/** Everything that the browser has to read, and what it said that it read. */
async function readsIt({ server, proxy, page }: Setting): Promise<void> {
  const seqs = (stream: string) => page.of(stream, "comment").map((report) => report.data.seq);
  let comments = 0;
  const comment = async (text: string) => {
    await server.publish([
      { topic: TOPIC, type: "comment", data: { text, author: AUTHOR }, durable: true },
    ]);
    comments++;
  };
  const hasAll = (stream: string, from = 1) =>
    expect
      .poll(() => seqs(stream), { timeout: 20_000 })
      .toEqual(Array.from({ length: comments - from + 1 }, (_, index) => from + index));

  await expect.poll(() => page.of("first", "connection").length, { timeout: 25_000 }).toBe(1);
  const answers = () => proxy.heads.filter((head) => head.startsWith("HTTP/1.1 200"));
  const isZstd = (head: string) => /^content-encoding: zstd\r?$/im.test(head);
  expect(answers().map(isZstd)).toEqual([true]);

  // Small ones (stored), long ones (compressed), and text that is no ASCII.
  await comment("a");
  await comment("a comment that is written again and again, ".repeat(200));
  await comment("čeština 日本語 🎉");
  await hasAll("first");
  expect(page.of("first", "comment").at(-1)?.data.text).toBe("čeština 日本語 🎉");

  // A late viewer reads from its own first frame.
  await server.publish([{ topic: TOPIC, type: "open-late", data: {} }]);
  await expect.poll(() => page.of("late", "connection").length).toBe(1);
  const joinedAt = comments + 1;
  await comment("for both");
  await hasAll("first");
  await hasAll("late", joinedAt);

  // Heartbeats are frames as well, and no events.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await comment("after heartbeats");
  await hasAll("first");

  // Slow: passed by, and told afterwards what it lost; comments it gets all.
  proxy.pause();
  for (let sent = 0; sent < NOISE_EVENTS; sent += NOISE_AT_ONCE) {
    if (sent % 64 === 0) await comment(`beside noise ${sent}`);
    await server.publish(
      Array.from({ length: NOISE_AT_ONCE }, () => ({
        topic: TOPIC,
        type: "noise",
        data: randomBytes(NOISE_BYTES).toString("base64"),
      })),
    );
  }
  await expect.poll(() => server.metric("ovation_frontend_slow_connections")).toBe(2);
  proxy.resume();
  await hasAll("first");
  await hasAll("late", joinedAt);
  await expect.poll(() => page.of("first", "gap").length).toBeGreaterThan(0);
  const lost = page.of("first", "gap").reduce((sum, { data }) => sum + data.lost, 0);
  // What arrived and what was said to be lost is what was published.
  await expect.poll(() => page.of("first", "noise").length + lost).toBe(NOISE_EVENTS);

  // Cut: it returns by itself, and what it missed comes first.
  proxy.cut();
  await comment("while it was away");
  await expect.poll(() => page.of("first", "connection").length, { timeout: 20_000 }).toBe(2);
  await comment("when it was back");
  await hasAll("first");
  await hasAll("late", joinedAt);
  expect(answers().every(isZstd)).toBe(true);
}

async function inSetting(open: (setting: Setting) => Promise<() => Promise<void>>): Promise<void> {
  const setting = await setUp();
  let close = async (): Promise<void> => {};
  try {
    close = await open(setting);
    await readsIt(setting);
  } finally {
    await close();
    await tearDown(setting);
  }
}

// Both at the same time: most of it is waiting.
test("Chromium and Firefox each read a zstd stream: late, slow, cut, with heartbeats", async ({
  page,
}: {
  page: Page;
}) => {
  test.setTimeout(120_000);
  const firefox = inSetting(async (setting) => {
    const opened = openFirefox(setting.page.url(setting.stream));
    return () => opened.stop();
  });
  const chromium = inSetting(async (setting) => {
    await page.goto(setting.page.url(setting.stream));
    return async () => {};
  });
  const [inChromium, inFirefox] = await Promise.allSettled([chromium, firefox]);
  expect({ inChromium, inFirefox }).toMatchObject({
    inChromium: { status: "fulfilled" },
    inFirefox: { status: "fulfilled" },
  });
});
