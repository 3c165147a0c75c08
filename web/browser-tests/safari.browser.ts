import type { Locator, Page } from "@playwright/test";
import { Server } from "../../testing/server.ts";
import { actAs, composer, connected, expect, openWatch, rows, test } from "./test.ts";

let server: Server;
let host: string;
test.beforeAll(async () => {
  server = await Server.start({ rateLimits: "off", flags: ["--demo"] });
  const flags = ["--sub", "mara", "--name", "Mara", "--role", "host", "--publish", "video:*"];
  host = await server.token(...flags);
});
test.afterAll(() => server.stop());

type Key = { readonly isComposing: boolean; readonly keyCode: number };
/** The keydown of the Enter that ends a composition, as each engine says it. */
const ENTERS: Readonly<Record<string, Key>> = {
  Safari: { isComposing: false, keyCode: 229 },
  Chromium: { isComposing: true, keyCode: 229 },
  Firefox: { isComposing: true, keyCode: 229 },
  "Firefox on Android": { isComposing: true, keyCode: 13 },
};

/** Whether the page took the key for its own. */
function press(field: Locator, key: Key): Promise<boolean> {
  return field.evaluate((element, { isComposing, keyCode }) => {
    const safari = !isComposing;
    const end = new CompositionEvent("compositionend", { data: "日本", bubbles: true });
    if (safari) element.dispatchEvent(end);
    const init = { key: "Enter", code: "Enter", isComposing, keyCode, which: keyCode };
    const event = new KeyboardEvent("keydown", {
      ...init,
      bubbles: true,
      composed: true,
      cancelable: true,
    });
    element.dispatchEvent(event);
    if (!safari) element.dispatchEvent(end);
    return event.defaultPrevented;
  }, key);
}

for (const [engine, key] of Object.entries(ENTERS)) {
  test(`Enter that ends a composition sends nothing, as ${engine} says it`, async ({
    page,
    context,
  }) => {
    await actAs(context, server, await server.guest("Ime"));
    await openWatch(page, server, "ime");
    await composer(page).fill("日本");
    expect(await press(composer(page), key)).toBe(false);
    await expect(composer(page)).toHaveValue("日本");
    await composer(page).press("Enter");
    await expect(rows(page).last()).toContainText("日本");
    await expect(composer(page)).toHaveValue("");
  });
}

test("Enter that ends a composition neither takes a name nor sends a message", async ({ page }) => {
  await openWatch(page, server, "names");
  await composer(page).fill("hello");
  await composer(page).press("Enter");
  const name = page.getByPlaceholder("Your name");
  await name.fill("美咲");
  // The default action of this key would submit the form.
  expect(await press(name, ENTERS["Safari"] as Key)).toBe(true);
  await expect(name).toHaveValue("美咲");
  const token = await server.token("--sub", "ana", "--name", "Ana");
  await page.goto(`${server.url}/watch/names#token=${token}`);
  await page.reload();
  await connected(page);
  const inbox = page.locator("live-inbox");
  await expect(inbox.locator("[part=button]")).toBeVisible();
  await inbox.evaluate((element) =>
    (element as unknown as { write(person: object): void }).write({ id: "mara", name: "Mara" }),
  );
  const message = page.getByRole("textbox", { name: "Message to Mara" });
  await message.fill("日本");
  expect(await press(message, ENTERS["Safari"] as Key)).toBe(false);
  await expect(message).toHaveValue("日本");
  await message.press("Enter");
  await expect(message).toHaveValue("");
});

/** A browser without `field-sizing`. */
async function withoutFieldSizing(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const { supports } = CSS;
    CSS.supports = (...query: [string, string?]) =>
      query[0] === "field-sizing" ? false : supports.apply(CSS, query as [string]);
    const { replaceSync } = CSSStyleSheet.prototype;
    CSSStyleSheet.prototype.replaceSync = function (text) {
      replaceSync.call(this, text.replaceAll("field-sizing:content", ""));
    };
  });
}

test("the field grows with its text without field-sizing, and shrinks when it was sent", async ({
  page,
  context,
}) => {
  await withoutFieldSizing(page);
  await actAs(context, server, await server.guest("Grow"));
  await openWatch(page, server, "growing");
  const height = async () => (await composer(page).boundingBox())?.height ?? 0;
  const one = await height();
  expect(one).toBeGreaterThan(20);
  await composer(page).fill("one\ntwo\nthree");
  await expect.poll(height).toBeGreaterThan(one + 30);
  await composer(page).fill("line\n".repeat(40));
  // The style sheet bounds it, and what is beyond scrolls.
  await expect.poll(height).toBeLessThan(140);
  await composer(page).fill("one\ntwo");
  await composer(page).press("Enter");
  await expect.poll(height).toBe(one);
});

const media = [{ src: "/media/demo.mp4", type: "video/mp4" }];
const fullScreen = (page: Page) => page.locator("[data-full]");

test("an iPhone fills its screen with the video; where nothing can, there is no button", async ({
  page,
  browser,
}) => {
  await server.request("PUT", "/v1/videos/full", { title: "Full", media, live: true }, host);
  await page.addInitScript(() => {
    Reflect.deleteProperty(Element.prototype, "requestFullscreen");
    Reflect.deleteProperty(Document.prototype, "fullscreenElement");
    Object.assign(HTMLVideoElement.prototype, {
      webkitEnterFullscreen(this: HTMLVideoElement) {
        this.dataset["entered"] = "yes";
      },
    });
  });
  await openWatch(page, server, "full");
  await page.locator("[data-player]").hover();
  await fullScreen(page).click();
  await expect(page.locator("video[data-entered=yes]")).toHaveCount(1);
  const other = await (await browser.newContext()).newPage();
  await other.addInitScript(() => {
    Reflect.deleteProperty(Element.prototype, "requestFullscreen");
  });
  await openWatch(other, server, "full");
  await expect(fullScreen(other)).toBeHidden();
  await other.context().close();
});
