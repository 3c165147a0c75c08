import type { Page } from "@playwright/test";
import { type Person, Server } from "../../testing/server.ts";
import type { LiveComments } from "../live-comments.ts";
import { expect, openWatch, rows, test, texts } from "./test.ts";

let server: Server;
let ana: Person;
test.beforeAll(async () => {
  server = await Server.start({ rateLimits: "off" });
  ana = await server.guest("Ana");
});
test.afterAll(() => server.stop());

/**
 * Another publisher, or a server of another version: a comment whose text is `odd …` arrives with
 * this `data`.
 */
const ODD: Readonly<Record<string, unknown>> = {
  "odd null": null,
  "odd list": [],
  "odd empty": {},
  "odd text": { text: { toString: 1 }, author: { id: "a", name: "A", role: "member" } },
  "odd author": { text: "x", author: null },
  "odd name": { text: "x", author: { id: "a", name: 7, role: "member" } },
};

async function speakOddly(page: Page): Promise<void> {
  await page.addInitScript((oddities) => {
    const change = (text: string): string => {
      const message = JSON.parse(text);
      const spoken = message?.data?.text;
      if (typeof spoken === "string" && spoken in oddities) message.data = oddities[spoken];
      return JSON.stringify(message);
    };
    const Own = EventSource;
    globalThis.EventSource = class extends Own {
      override addEventListener(type: string, listener: unknown): void {
        super.addEventListener(type, (event) => {
          const { data, lastEventId } = event as MessageEvent<unknown>;
          const changed = typeof data === "string" ? { data: change(data), lastEventId } : event;
          (listener as (event: unknown) => void)(changed);
        });
      }
    };
  }, ODD);
}

test("a comment of another form is skipped and counted, and the list continues", async ({
  page,
}) => {
  await speakOddly(page);
  await page.addInitScript(() => {
    addEventListener("items-skipped", (event) => {
      document.documentElement.dataset["skipped"] = String((event as CustomEvent).detail.count);
    });
  });
  await openWatch(page, server, "odd");
  await server.comment("odd", "before", ana.token);
  await expect(rows(page)).toHaveCount(1);
  for (const text of Object.keys(ODD)) await server.comment("odd", text, ana.token);
  await server.comment("odd", "after", ana.token);
  await expect(rows(page)).toHaveCount(2);
  expect(await texts(page)).toEqual(["before", "after"]);
  const skipped = Object.keys(ODD).length;
  await expect(page.locator("html")).toHaveAttribute("data-skipped", String(skipped));
  const count = (element: HTMLElement) => (element as LiveComments).itemsSkipped;
  expect(await page.locator("live-comments").evaluate(count)).toBe(skipped);
});

test("an item that the page fails to draw leaves the rows around it", async ({ page }) => {
  await page.addInitScript(() => {
    const split = String.prototype.matchAll;
    String.prototype.matchAll = function (pattern: RegExp) {
      if (String(this).includes("undrawable")) throw new Error("undrawable");
      return split.call(this, pattern);
    };
  });
  await openWatch(page, server, "drawing");
  for (const text of ["one", "undrawable", "two"]) await server.comment("drawing", text, ana.token);
  await expect(rows(page).last()).toContainText("two");
  expect(await texts(page)).toEqual(["one", "two"]);
  await server.comment("drawing", "three", ana.token);
  await expect(rows(page).last()).toContainText("three");
  expect(await texts(page)).toEqual(["one", "two", "three"]);
});

test("odd comments in the snapshot and in history leave the others", async ({ page }) => {
  for (let number = 1; number <= 60; number++)
    await server.comment("past", `comment ${number}`, ana.token);
  await page.route(/\/v1\/videos\/past\/comments\?/, async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    for (const each of body.comments)
      if (each.seq % 2 === 0) Object.assign(each, { author: "Ana", text: null });
    await route.fulfill({ response, json: body });
  });
  await openWatch(page, server, "past");
  await expect(rows(page)).toHaveCount(25);
  await page.getByRole("button", { name: "Load earlier comments" }).click();
  await expect(rows(page)).toHaveCount(30);
});
