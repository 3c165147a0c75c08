/**
 * Every optional facility of a browser may be missing, throw where it is touched, or throw where it
 * is called. Comments arrive and can be written all the same, and no script fails.
 */

import type { BrowserContext, Page } from "@playwright/test";
import { Server } from "../../testing/server.ts";
import { connected, expect, POLL_INTERVALS_MS, rows, test, texts, write } from "./test.ts";

/** Name → the object that has it, as an expression, and the property. */
const FACILITIES: Readonly<Record<string, readonly [holder: string, property: string]>> = {
  "Web Locks": ["Navigator.prototype", "locks"],
  BroadcastChannel: ["window", "BroadcastChannel"],
  EventSource: ["window", "EventSource"],
  localStorage: ["window", "localStorage"],
  sessionStorage: ["window", "sessionStorage"],
  "the clipboard": ["Navigator.prototype", "clipboard"],
  "navigator.share": ["Navigator.prototype", "share"],
  "navigator.onLine": ["Navigator.prototype", "onLine"],
  "navigator.language": ["Navigator.prototype", "language"],
  "Intl.Segmenter": ["Intl", "Segmenter"],
  "Intl.PluralRules": ["Intl", "PluralRules"],
  "Intl.NumberFormat": ["Intl", "NumberFormat"],
  "Intl.DateTimeFormat": ["Intl", "DateTimeFormat"],
  "Intl.getCanonicalLocales": ["Intl", "getCanonicalLocales"],
  IntersectionObserver: ["window", "IntersectionObserver"],
  ResizeObserver: ["window", "ResizeObserver"],
  "performance.getEntriesByType": ["Performance.prototype", "getEntriesByType"],
  "crypto.randomUUID": ["Crypto.prototype", "randomUUID"],
  "crypto.getRandomValues": ["Crypto.prototype", "getRandomValues"],
  "crypto.subtle": ["Crypto.prototype", "subtle"],
  matchMedia: ["window", "matchMedia"],
  Notification: ["window", "Notification"],
  structuredClone: ["window", "structuredClone"],
  "AbortSignal.timeout": ["AbortSignal", "timeout"],
  "popovers (togglePopover)": ["HTMLElement.prototype", "togglePopover"],
  "adopted style sheets": ["Document.prototype", "adoptedStyleSheets"],
  "history.replaceState": ["History.prototype", "replaceState"],
};

/** What no code here uses now, so that none that comes assumes it. */
const UNUSED: readonly (readonly [holder: string, property: string])[] = [
  ["window", "requestIdleCallback"],
  ["Navigator.prototype", "sendBeacon"],
  ["Navigator.prototype", "permissions"],
  ["Navigator.prototype", "serviceWorker"],
  ["Intl", "RelativeTimeFormat"],
  ["window", "PerformanceObserver"],
  ["AbortSignal", "any"],
  ["Element.prototype", "animate"],
  ["Element.prototype", "getAnimations"],
  ["Element.prototype", "requestFullscreen"],
  ["Document.prototype", "startViewTransition"],
  ["window", "OffscreenCanvas"],
  ["window", "createImageBitmap"],
  ["window", "indexedDB"],
  ["window", "caches"],
  ["window", "Worker"],
  ["window", "SharedWorker"],
  ["window", "visualViewport"],
  ["HTMLElement.prototype", "showPopover"],
  ["window", "scheduler"],
];

/** Run in the page before its own scripts. */
function takeAway([kind, holder, property]: readonly [string, string, string]): void {
  const owner = holder
    .split(".")
    .reduce<object>((object, name) => Reflect.get(object, name) as object, globalThis);
  const refuse = (): never => {
    throw new DOMException("refused by the test", "SecurityError");
  };
  if (kind === "missing") {
    Reflect.deleteProperty(owner, property);
    if (property in owner) Object.defineProperty(owner, property, { value: undefined });
  } else if (kind === "throws") {
    Object.defineProperty(owner, property, { get: refuse, configurable: true });
  } else {
    // A call is refused; of an object each method, by a rejection where it is the navigator's.
    const later = () => Promise.reject(new DOMException("refused by the test"));
    const method = holder === "Navigator.prototype" ? later : refuse;
    const refusing = new Proxy(function refused() {}, {
      apply: method,
      construct: refuse,
      get: (_, name) => (name === "prototype" ? undefined : method),
    });
    Object.defineProperty(owner, property, { value: refusing, configurable: true });
  }
}

let server: Server;
test.beforeAll(async () => {
  server = await Server.start({ rateLimits: "off" });
});
test.afterAll(() => server.stop());

async function openWithout(
  context: BrowserContext,
  path: string,
  ...taken: (readonly [kind: string, holder: string, property: string])[]
): Promise<Page> {
  const page = await context.newPage();
  for (const one of taken) await page.addInitScript(takeAway, one);
  await page.goto(`${server.url}${path}`);
  return page;
}

/** Writes as a guest, whom a page without storage cannot remember. */
async function comment(page: Page, name: string, text: string): Promise<void> {
  await write(page, text);
  const field = page.getByPlaceholder("Your name");
  const row = rows(page).filter({ hasText: text });
  await expect(field.or(row)).toBeVisible();
  if (await field.isVisible()) {
    await field.fill(name);
    await field.press("Enter");
  }
  await expect(row).toHaveAttribute("data-state", "sent");
}

let count = 0;
for (const [name, [holder, property]] of Object.entries(FACILITIES)) {
  test(`without ${name}, or where it is refused, comments arrive and can be written`, async ({
    context,
  }) => {
    const path = `/embed/facility-${++count}`;
    const kinds = ["missing", "throws", "refuses"];
    const pages = await Promise.all(
      kinds.map((kind) => openWithout(context, path, [kind, holder, property])),
    );
    await Promise.all(pages.map((page) => connected(page)));
    await Promise.all(pages.map((page, index) => comment(page, `Ana ${index}`, `no. ${index}`)));
    for (const page of pages)
      await expect
        .poll(async () => (await texts(page)).sort(), { intervals: POLL_INTERVALS_MS })
        .toEqual(["no. 0", "no. 1", "no. 2"]);
    if (pages[0] === undefined) return;
    await pages[0].getByRole("button", { name: "Settings" }).click();
    await expect(pages[0].getByRole("radio").first()).toBeVisible();
  });
}

test("without any of them a watch page works too", async ({ context }) => {
  const page = await openWithout(
    context,
    "/watch/none-at-all",
    ...[...Object.values(FACILITIES), ...UNUSED].map(
      ([holder, property]) => ["missing", holder, property] as const,
    ),
  );
  await connected(page);
  await comment(page, "Ana", "plain");
  await expect.poll(() => texts(page)).toEqual(["plain"]);
});
