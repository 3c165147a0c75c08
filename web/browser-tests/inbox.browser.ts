import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Locator, Page } from "@playwright/test";
import { type Person, Server } from "../../testing/server.ts";
import { violations } from "./axe.ts";
import { newMember, opener, openWatchAs } from "./members.ts";
import { actAs, expect, openWatch, rows, test, write } from "./test.ts";

let server: Server;
let directory: string;
let host: string;

test.beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "ovation-inbox-"));
  await writeFile(join(directory, "policy.yaml"), "messages: members\n");
  server = await Server.start({
    rateLimits: "off",
    flags: ["--policy", join(directory, "policy.yaml")],
  });
  host = await server.token(
    "--sub",
    "mara",
    "--name",
    "Mara",
    "--role",
    "host",
    "--publish",
    "video:*",
  );
});
test.afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

/** A member of this test alone. */
const member = (name: string): Promise<Person> => newMember(server, name);
const watchAs = (
  browser: Browser,
  person: Person,
  video: string,
  options?: BrowserContextOptions,
): Promise<Page> => openWatchAs(server, browser, person, video, options);

function badge(page: Page): Locator {
  return page.locator("live-inbox .opener .badge");
}
function bubbles(page: Page): Locator {
  return page.locator("live-inbox .bubble");
}
function field(page: Page): Locator {
  return page.locator("live-inbox textarea");
}
function toasts(page: Page): Locator {
  return page.locator("live-inbox .toast");
}
function say(from: Person, to: Person, text: string) {
  return server.request("POST", `/v1/members/${to.id}/messages`, { text }, from.token);
}

async function openConversation(page: Page, other: Person): Promise<void> {
  await opener(page).click();
  await page.locator(`live-inbox [data-with="${other.id}"]`).click();
  await expect(page.locator("live-inbox .talk")).toBeVisible();
}

test("a member writes to a comment's author: typing, message and receipt arrive live", async ({
  browser,
}) => {
  const [alice, bob] = await Promise.all([member("Alice"), member("Bob")]);
  await server.comment("two", "hello from Bob", bob.token);
  const [hers, his] = await Promise.all([
    watchAs(browser, alice, "two"),
    watchAs(browser, bob, "two"),
  ]);
  await expect(badge(his)).toHaveCount(0);

  await rows(hers).hover();
  await hers.getByRole("button", { name: "Actions for the comment by Bob" }).click();
  await hers.getByRole("menuitem", { name: "Write a message" }).click();
  await expect(field(hers)).toBeFocused();
  await expect(hers.locator("live-inbox .presence")).toHaveText("Online");
  await hers.keyboard.type("Hi Bob");
  await hers.keyboard.press("Enter");
  await expect(hers.locator("live-inbox .receipt")).toHaveText("Delivered");
  await expect(badge(his)).toHaveText("1");
  await expect(toasts(his)).toContainText(/Message from .?Alice/);

  await toasts(his)
    .getByRole("button", { name: /Message from .?Alice/ })
    .click();
  await expect(bubbles(his)).toHaveText(["Hi Bob"]);
  await expect(badge(his)).toHaveCount(0);
  await expect(hers.locator("live-inbox .receipt")).toHaveText("Seen");
  await expect(his.locator("live-inbox .with .online")).toBeVisible();

  // In the open conversation: typing, and the message from Enter to his screen.
  await hers.keyboard.type("How are you?");
  await expect(his.locator("live-inbox .dots")).toBeVisible();
  await expect(his.locator("live-inbox .presence")).toHaveText("Typing…");
  const seen = his.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const talk = document.querySelector("live-inbox")?.shadowRoot?.querySelector(".talk");
        if (talk == null) throw new Error("no conversation");
        const look = () => talk.textContent?.includes("How are you?") && resolve(Date.now());
        new MutationObserver(look).observe(talk, {
          childList: true,
          subtree: true,
          characterData: true,
        });
      }),
  );
  const sentAt = await hers.evaluate(() => {
    const area = document.querySelector("live-inbox")?.shadowRoot?.querySelector("textarea");
    area?.dispatchEvent(
      new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }),
    );
    return Date.now();
  });
  const elapsedMs = (await seen) - sentAt;
  console.log(`message to the other page: ${elapsedMs} ms`);
  expect(elapsedMs).toBeLessThan(1000);
  await expect(his.locator("live-inbox .dots")).toBeHidden();
  await expect(bubbles(his)).toHaveText(["Hi Bob", "How are you?"]);
  for (const page of [hers, his]) await page.context().close();
});

test("both devices of a member show a message once, and share what was read", async ({
  browser,
}) => {
  const [alice, bob] = await Promise.all([member("Alice"), member("Bob")]);
  const [laptop, phone] = await Promise.all([
    watchAs(browser, bob, "devices"),
    watchAs(browser, bob, "devices", {
      viewport: { width: 390, height: 844 },
      isMobile: true,
      hasTouch: true,
    }),
  ]);
  await say(alice, bob, "to both of you");
  for (const page of [laptop, phone]) await expect(badge(page)).toHaveText("1");
  await openConversation(phone, alice);
  await expect(bubbles(phone)).toHaveText(["to both of you"]);
  await expect(badge(laptop)).toHaveCount(0);
  // What is written on one is on the other.
  await field(phone).fill("from my phone");
  await phone.locator("live-inbox .send").click();
  await openConversation(laptop, alice);
  await expect(bubbles(laptop)).toHaveText(["to both of you", "from my phone"]);
  await expect(bubbles(phone)).toHaveText(["to both of you", "from my phone"]);
  for (const page of [laptop, phone]) await page.context().close();
});

test("a member who was off-line, or had the page closed, gets each message once", async ({
  browser,
}) => {
  const [alice, bob] = await Promise.all([member("Alice"), member("Bob")]);
  await say(alice, bob, "one");
  const page = await watchAs(browser, bob, "away");
  await openConversation(page, alice);
  await expect(bubbles(page)).toHaveText(["one"]);
  await page.context().setOffline(true);
  await say(alice, bob, "two");
  await say(alice, bob, "three");
  await page.context().setOffline(false);
  await expect(bubbles(page)).toHaveText(["one", "two", "three"], { timeout: 20_000 });
  await say(alice, bob, "four");
  await expect(bubbles(page)).toHaveText(["one", "two", "three", "four"]);
  await page.context().close();

  await say(alice, bob, "five");
  const later = await watchAs(browser, bob, "away");
  await expect(badge(later)).toHaveText("1");
  await openConversation(later, alice);
  await expect(bubbles(later)).toHaveText(["one", "two", "three", "four", "five"]);
  await expect(badge(later)).toHaveCount(0);
  await later.context().close();
});

test("a kill -9 of the server between two messages loses none and doubles none", async ({
  browser,
}) => {
  const [alice, bob] = await Promise.all([member("Alice"), member("Bob")]);
  const [hers, his] = await Promise.all([
    watchAs(browser, alice, "killed"),
    watchAs(browser, bob, "killed"),
  ]);
  await say(alice, bob, "before");
  await openConversation(hers, bob);
  await openConversation(his, alice);
  await server.kill();
  await field(hers).fill("during");
  await field(hers).press("Enter");
  await expect(hers.locator("live-inbox .failure")).toContainText(
    "Not sent. The server could not be reached.",
    { timeout: 15_000 },
  );
  await server.run();
  await hers.locator("live-inbox").getByRole("button", { name: "Try again" }).click();
  for (const page of [hers, his])
    await expect(bubbles(page)).toHaveText(["before", "during"], { timeout: 25_000 });
  await expect(hers.locator("live-inbox .failure")).toHaveCount(0);
  for (const page of [hers, his]) await page.context().close();
});

test("the author of a removed comment is told why, also when the page was closed", async ({
  browser,
}) => {
  const bob = await member("Bob");
  const page = await watchAs(browser, bob, "removed");
  await write(page, "buy my watches");
  await expect(rows(page)).toHaveAttribute("data-state", "sent");
  const [comment] = await server.comments("removed");
  await server.request(
    "DELETE",
    `/v1/videos/removed/comments/${comment?.seq}`,
    { reason: "No advertising" },
    host,
  );
  await expect(toasts(page)).toContainText("Your comment was removed");
  await expect(toasts(page)).toContainText("Reason: No advertising");
  await expect(badge(page)).toHaveText("1");
  await page.context().close();

  const later = await watchAs(browser, bob, "removed");
  await expect(badge(later)).toHaveText("1");
  await expect(toasts(later)).toHaveCount(0);
  await opener(later).click();
  await expect(later.locator("live-inbox .notice.new")).toContainText("Your comment was removed");
  await expect(badge(later)).toHaveCount(0);
  await later.context().close();
});

test("answers and mentions are told", async ({ browser }) => {
  const [alice, bob] = await Promise.all([member("Alice"), member("Bob")]);
  const seq = await server.comment("told", "first", bob.token);
  const page = await watchAs(browser, bob, "told");
  await server.request(
    "POST",
    "/v1/videos/told/comments",
    { text: "well said", replyTo: seq },
    alice.token,
  );
  await expect(toasts(page)).toContainText(/Alice.? replied to you/);
  await server.comment("told", `@${bob.id} look`, alice.token);
  await expect(toasts(page).last()).toContainText(/Alice.? mentioned you/);
  await page.context().close();
});

test("a timed-out member or guest sees until when, while it is in force", async ({
  page,
  context,
  browser,
}) => {
  const guest = await server.guest("Gil");
  await actAs(context, server, guest);
  await openWatch(page, server, "paused");
  await expect(opener(page)).toBeVisible();
  await server.request(
    "PUT",
    `/v1/members/${guest.id}/sanction`,
    { video: "paused", kind: "time-out", seconds: 600, reason: "Cool down" },
    host,
  );
  const until = new Intl.DateTimeFormat("en-US", { hour: "numeric", minute: "2-digit" });
  await expect(toasts(page)).toContainText(/You're timed out until \d+:\d\d [AP]M/);
  await expect(toasts(page)).toContainText("Reason: Cool down");
  const { sanctions } = await server.request<{ sanctions: readonly { until: number }[] }>(
    "GET",
    "/v1/sanctions?video=paused",
    undefined,
    host,
  );
  const end = until.format(sanctions[0]?.until).replace(/\s/, " ");
  await expect(toasts(page)).toContainText(end);
  // It is still said after a reload, and not beside another video.
  await page.reload();
  await expect(toasts(page)).toContainText("You're timed out until");
  const elsewhere = await (await browser.newContext()).newPage();
  await actAs(elsewhere.context(), server, guest);
  await openWatch(elsewhere, server, "another");
  await expect(badge(elsewhere)).toHaveText("1");
  await expect(toasts(elsewhere)).toHaveCount(0);
  await server.request("DELETE", `/v1/members/${guest.id}/sanction?video=paused`, {}, host);
  await expect(toasts(page)).toHaveText(/You can comment again/);
  await elsewhere.context().close();
});

const VIEWS: readonly { readonly name: string; readonly options: BrowserContextOptions }[] = [
  { name: "light", options: { colorScheme: "light" } },
  { name: "dark", options: { colorScheme: "dark" } },
  { name: "right-to-left", options: { locale: "ar" } },
  {
    name: "phone",
    options: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  },
];
for (const { name, options } of VIEWS) {
  test(`axe finds nothing in the inbox, and Escape gives the focus back (${name})`, async ({
    browser,
  }) => {
    const [alice, bob, cleo] = await Promise.all([member("Alice"), member("Bob"), member("Cléo")]);
    await say(cleo, bob, "مرحبا");
    await say(alice, bob, "Hi https://example.org");
    await say(bob, alice, "Hi yourself");
    const page = await watchAs(browser, bob, `axe-${name}`, {
      reducedMotion: "reduce",
      ...options,
    });
    await opener(page).click();
    await expect(page.locator("live-inbox .entry")).toHaveCount(2);
    expect(await violations(page)).toEqual([]);
    await page.locator(`live-inbox [data-with="${alice.id}"]`).click();
    await expect(bubbles(page)).toHaveCount(2);
    await server.request("POST", `/v1/members/${bob.id}/typing`, {}, alice.token);
    await expect(page.locator("live-inbox .dots")).toBeVisible();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await expect(opener(page)).toBeFocused();
    await server.request(
      "PUT",
      `/v1/members/${bob.id}/sanction`,
      { kind: "time-out", seconds: 600, reason: "why" },
      host,
    );
    await say(alice, bob, "one more");
    await expect(toasts(page)).toHaveCount(2);
    expect(await violations(page)).toEqual([]);
    await opener(page).click();
    await page.locator("live-inbox .back").click();
    await page.locator("live-inbox #tab-activity").click();
    await expect(page.locator("live-inbox .notice")).toHaveCount(1);
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(
      true,
    );
    await page.context().close();
  });
}
