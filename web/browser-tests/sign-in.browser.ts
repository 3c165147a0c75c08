import { Server } from "../../testing/server.ts";
import { newMember, opener, openWatchAs } from "./members.ts";
import { expect, openWatch, rows, test, write } from "./test.ts";

let server: Server;
test.beforeAll(async () => {
  server = await Server.start({ rateLimits: "off" });
});
test.afterAll(() => server.stop());

test("without a name there is no inbox, and nothing of it is loaded", async ({ page }) => {
  const loaded: string[] = [];
  page.on("request", (request) => loaded.push(new URL(request.url()).pathname));
  await openWatch(page, server, "nobody");
  await expect(opener(page)).toHaveCount(0);
  expect(loaded.filter((path) => path.includes("inbox"))).toEqual([]);
});

test("a token handed over is taken out of the address, and its member comments", async ({
  browser,
}) => {
  const bob = await newMember(server, "Bob");
  const page = await openWatchAs(server, browser, bob, "handed");
  expect(page.url()).toBe(`${server.url}/watch/handed`);
  await page.reload();
  await write(page, "it is me");
  await expect(rows(page)).toContainText("Bob");
  await page.context().close();
});

test("a site signs its members in: getToken, and signin-requested for the others", async ({
  page,
}) => {
  const bob = await newMember(server, "Bob");
  await page.goto(`${server.url}/embed/site`);
  await page.locator("live-comments").evaluate((element) => {
    element.setAttribute("sign-in", "");
    element.addEventListener("signin-requested", () => {
      document.title = "asked";
    });
  });
  await write(page, "who am I?");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveTitle("asked");
  await page
    .locator("live-comments")
    .evaluate(
      (element, token) => Object.assign(element, { getToken: async () => token }),
      bob.token,
    );
  await write(page, "I am Bob");
  await expect(rows(page)).toContainText("Bob");
});

test("where only hosts and moderators may be written to, only they are offered", async ({
  browser,
}) => {
  const strict = await Server.start({ rateLimits: "off" });
  const tokenOf = (...flags: string[]) => strict.token(...flags);
  const [bob, mod] = await Promise.all([
    tokenOf("--sub", "bob"),
    tokenOf("--sub", "mo", "--name", "Mo", "--role", "moderator"),
  ]);
  const page = await (await browser.newContext()).newPage();
  await strict.comment("rules", "from a member", await tokenOf("--sub", "al", "--name", "Al"));
  await strict.comment("rules", "from a moderator", mod);
  await page.goto(`${strict.url}/watch/rules#token=${bob}`);
  await expect(opener(page)).toBeVisible();
  for (const [name, offered] of [
    ["Al", 0],
    ["Mo", 1],
  ] as const) {
    await rows(page).filter({ hasText: name }).hover();
    await page.getByRole("button", { name: `Actions for the comment by ${name}` }).click();
    await expect(page.getByRole("menuitem", { name: "Reply" })).toBeVisible();
    await expect(page.getByRole("menuitem", { name: "Write a message" })).toHaveCount(offered);
    await page.keyboard.press("Escape");
  }
  await page.context().close();
  await strict.stop();
});
