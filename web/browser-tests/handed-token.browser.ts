import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "../../testing/server.ts";
import { expect, openWatch, test } from "./test.ts";

/** A link with a token: who may say who a reader is. */

let server: Server;
let elsewhere: HttpServer;
let attacker = "";
test.beforeAll(async () => {
  server = await Server.start({ rateLimits: "off" });
  elsewhere = createServer((request, response) => {
    const link = decodeURIComponent((request.url ?? "").slice(1));
    response.setHeader("content-type", "text/html");
    response.end(`<a href="${link}">go</a><a rel="noreferrer" href="${link}">hidden</a>`);
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  attacker = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
});
test.afterAll(async () => {
  elsewhere.close();
  await server.stop();
});

const tokenOf = (sub: string, name: string) => server.token("--sub", sub, "--name", name);
const kept = (page: import("@playwright/test").Page) =>
  page.evaluate(() => sessionStorage.getItem("ovation:token"));

test("a link of another site signs no one in, also without a referrer", async ({ browser }) => {
  // Of its own: the fixture's allows one host only.
  const context = await browser.newContext();
  const page = await context.newPage();
  const eve = await tokenOf("eve", "Alice");
  const base = server.url.replace("127.0.0.1", "localhost");
  for (const name of ["go", "hidden"]) {
    await page.goto(`${attacker}/${encodeURIComponent(`${base}/watch/link#token=${eve}`)}`);
    await page.getByText(name, { exact: true }).click();
    await page.waitForURL(`${base}/watch/link`);
    expect(await kept(page)).toBeNull();
  }
  await context.close();
});

test("a link never replaces who the tab is without asking", async ({ page }) => {
  const [alice, eve] = [await tokenOf("alice", "Alice"), await tokenOf("eve", "Eve")];
  await page.goto(`${server.url}/watch/link#token=${alice}`);
  expect(await kept(page)).toBe(alice);
  await openWatch(page, server, "link");
  const asked: string[] = [];
  let answer = false;
  page.on("dialog", (dialog) => {
    asked.push(dialog.message());
    return answer ? dialog.accept() : dialog.dismiss();
  });
  const follow = async (token: string) => {
    await page.goto("about:blank");
    await page.goto(`${server.url}/watch/link#token=${token}`);
    return kept(page);
  };
  expect(await follow(eve)).toBe(alice);
  expect(asked).toEqual(["Continue as Eve?"]);
  answer = true;
  expect(await follow(eve)).toBe(eve);
});
