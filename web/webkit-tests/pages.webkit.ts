/** The pages in WebKit: what Safari does otherwise than Chromium is tried here. */

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { Server } from "../../testing/server.ts";
import { startWebKit, type WebKit } from "./webkit.ts";

const WAIT_MS_MAX = 12_000;

let server: Server;
let webkit: WebKit;
let home: string;
let video: string;
let count = 0;
let token: string;

beforeAll(async () => {
  server = await Server.start({ rateLimits: "off" });
  webkit = await startWebKit();
  [home = ""] = await webkit.tabs();
  ({ token } = await server.guest("Ana"));
});
afterAll(async () => {
  await webkit?.stop();
  await server?.stop();
});
beforeEach(() => {
  video = `webkit-${++count}`;
});
afterEach(async () => {
  for (const tab of await webkit.tabs()) {
    if (tab === home) continue;
    await webkit.use(tab);
    await webkit.closeTab();
  }
  await webkit.use(home);
  await webkit.open("about:blank");
});

const TEXTS = `return [...document
  .querySelector("live-comments").renderRoot.querySelectorAll("li .text")]
  .map((text) => text.textContent)`;
const STATE = `return document.querySelector("live-comments")?.session?.client.state.name`;
const FIELD = `document.querySelector("live-comments").renderRoot.querySelector("form textarea")`;

async function eventually<Value>(read: () => Promise<Value>, expected: Value): Promise<void> {
  const until = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const value = await read();
    if (Bun.deepEquals(value, expected)) return;
    if (performance.now() > until) expect(value as unknown).toEqual(expected);
    await Bun.sleep(100);
  }
}

function shows(...texts: string[]): Promise<void> {
  return eventually(() => webkit.run<string[]>(TEXTS), texts);
}

async function openEmbed(): Promise<void> {
  await webkit.open(`${server.url}/embed/${video}`);
  await eventually(() => webkit.run(STATE), "connected");
}

const comment = (text: string) => server.comment(video, text, token);

/** Open connections by the server's own count. */
async function connections(): Promise<number> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/^ovation_frontend_connections\S* (\d+)/m.exec(metrics)?.[1]);
}

test("comments arrive, and can be written", async () => {
  await webkit.open(server.url);
  await webkit.run(
    `localStorage.setItem("ovation:guest:" + location.origin, arguments[0])`,
    (await server.guest("Safari")).token,
  );
  await openEmbed();
  await comment("from elsewhere");
  await shows("from elsewhere");
  await webkit.run(`${FIELD}.focus()`);
  await webkit.type("from WebKit\uE007");
  await shows("from elsewhere", "from WebKit");
});

test("after leaving the page and Back, comments resume", async () => {
  await openEmbed();
  await comment("before");
  await shows("before");
  await webkit.run(`window.kept = true`);
  await webkit.open(`${server.url}/healthz`);
  await comment("meanwhile");
  await webkit.back();
  // The page itself comes back, from the back/forward cache.
  await eventually(() => webkit.run(`return window.kept === true`), true);
  await shows("before", "meanwhile");
  await comment("after");
  await shows("before", "meanwhile", "after");
  expect(await connections()).toBe(1);
});

test("tabs share one connection; when the first is closed the next one leads", async () => {
  await openEmbed();
  const second = await webkit.newTab();
  await openEmbed();
  await webkit.newTab();
  await openEmbed();
  await eventually(connections, 1);
  await webkit.use(home);
  await webkit.open("about:blank");
  await comment("for all");
  for (const tab of (await webkit.tabs()).filter((each) => each !== home)) {
    await webkit.use(tab);
    await shows("for all");
  }
  await webkit.use(second);
  await webkit.closeTab();
  await comment("for the last");
  await webkit.use((await webkit.tabs()).find((each) => each !== home) ?? "");
  await shows("for all", "for the last");
  await eventually(connections, 1);
});

test("after kill -9 and a restart nothing is missed and nothing comes twice", async () => {
  await openEmbed();
  await comment("before");
  await shows("before");
  await server.kill();
  await server.run();
  await comment("after");
  await shows("before", "after");
});

/** In the order of this engine: the composition ends, then its Enter, known by its code alone. */
const COMPOSE = `const field = ${FIELD};
  field.focus();
  field.dispatchEvent(new CompositionEvent("compositionstart", { bubbles: true }));
  field.value = arguments[0];
  const inputType = "insertFromComposition";
  field.dispatchEvent(new InputEvent("input", { bubbles: true, inputType }));
  const data = arguments[0];
  field.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true, data }));
  const enter = new KeyboardEvent("keydown", {
    key: "Enter", keyCode: 229, which: 229, isComposing: false,
    bubbles: true, composed: true, cancelable: true,
  });
  field.dispatchEvent(enter);
  return [enter.keyCode, enter.defaultPrevented, field.value]`;

test("the Enter that ends a composition sends nothing, and the next one does", async () => {
  await webkit.open(server.url);
  await webkit.run(
    `localStorage.setItem("ovation:guest:" + location.origin, arguments[0])`,
    (await server.guest("Ime")).token,
  );
  await openEmbed();
  expect(await webkit.run<unknown>(COMPOSE, "日本")).toEqual([229, false, "日本"]);
  await webkit.type("\uE007");
  await shows("日本");
});
