/**
 * The server is away while browsers with pages of another origin want to return: connections are
 * refused. Firefox's own EventSource gives up then; the SDK and the page of the documents do not.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { Server } from "../../testing/server.ts";
import { openFirefox } from "./firefox.ts";
import { ReportingPage } from "./reporting-page.ts";

const TOPIC = "video:returning";
/** Long enough for a refused attempt of each: browsers wait up to 5 s. */
const AWAY_MS = 8_000;

/** The script of docs/http-api.md, as it stands there. */
function documentedScript(server: string): string {
  const text = readFileSync(join(import.meta.dirname, "../../docs/http-api.md"), "utf8");
  const script = /\*\*Returning\.\*\*[\s\S]*?```js\n([\s\S]*?)```/.exec(text)?.[1] ?? "";
  expect(script).toContain("EventSource.CLOSED");
  return script.replace("https://live.example.org", server).replace("video:42", TOPIC);
}

function pageFor(server: string): string {
  return `<!doctype html><meta charset="utf-8"><title>returning</title><script>
const report = (stream, type, data) =>
    fetch("/report", { method: "POST", body: JSON.stringify({ stream, type, data }) });
const show = ({ seq }) => report("plain", "comment", { seq });
${documentedScript(server)}
</script><script type="module">
import { createClient } from "${server}/sdk.js";
const client = createClient({ url: "${server}" });
client.onState(({ name }) => report("sdk", name, {}));
client.subscribe("${TOPIC}", { comment: ({ seq }) => report("sdk", "comment", { seq }) });
</script>`;
}

const BROWSERS = ["Firefox", "Chromium"] as const;
for (const name of BROWSERS) {
  test(`${name} returns from refused connections of another origin: SDK and plain page`, async ({
    page: chromium,
  }) => {
    const server = await Server.start();
    const page = new ReportingPage(pageFor(server.url));
    await page.listen();
    const firefox = name === "Firefox" ? openFirefox(page.url("")) : undefined;
    if (firefox === undefined) await chromium.goto(page.url(""));
    const comment = (text: string) =>
      server.publish([
        {
          topic: TOPIC,
          type: "comment",
          data: { text, author: { id: "a", name: "A", role: "host" } },
          durable: true,
        },
      ]);
    const seqs = (stream: string) => page.of(stream, "comment").map(({ data }) => data.seq);
    const both = (...expected: number[]) =>
      expect
        .poll(() => [seqs("sdk"), seqs("plain")], { timeout: 30_000 })
        .toEqual([expected, expected]);
    try {
      await expect.poll(() => page.of("sdk", "connected").length, { timeout: 25_000 }).toBe(1);
      await comment("before");
      await both(1);
      await server.kill();
      await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
      await server.run();
      await comment("after");
      await both(1, 2);
    } finally {
      await firefox?.stop();
      page.close();
      await server.stop();
    }
  });
}
