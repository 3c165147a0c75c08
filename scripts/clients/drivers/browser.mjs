/** Reads an event stream with the EventSource of Debian's Chromium: `browser.mjs URL`. */

import { chromium } from "@playwright/test";

const [url] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.OVATION_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const context = await browser.newContext({ ignoreHTTPSErrors: true });
const page = await context.newPage();
await page.exposeFunction("say", (data, id) => console.log(JSON.stringify({ data, id })));
await page.evaluate((address) => {
  const source = new EventSource(address);
  source.addEventListener("goal", ({ data, lastEventId }) => window.say(data, lastEventId));
}, url);
process.on("SIGTERM", () => browser.close().finally(() => process.exit(0)));
