/** The SDK under Node, as a bundle: no part of it needs Bun. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../testing/until.ts";
import { type FakeServer, startFakeServer } from "./testing/fake-server.ts";
import { bundleForNode } from "./testing/node-bundle.ts";

let server: FakeServer;
let directory: string;

beforeAll(async () => {
  server = startFakeServer();
  directory = await mkdtemp(join(tmpdir(), "ovation-client-"));
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

const PROGRAM = `
import { createClient, EventSource } from "./sdk.mjs";
const [url, form] = process.argv.slice(2);
const source = form === "eventsource" ? { eventSource: EventSource } : {};
const client = createClient({ url, retryMs: { first: 20, longest: 200 }, ...source });
client.subscribe("video:1", {
  comment: ({ seq }) => console.log("comment " + seq),
  onSubscribed: ({ head }) => console.log("subscribed " + head),
});
process.stdin.on("end", () => client.close()).resume();
`;

for (const form of ["fetch", "eventsource"]) {
  test(`under Node over ${form}: events, a cut, recovery, an end with the client`, async () => {
    await bundleForNode(join(directory, "sdk.mjs"));
    await writeFile(join(directory, "program.mjs"), PROGRAM);
    const child = Bun.spawn(["node", join(directory, "program.mjs"), server.url, form], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    let output = "";
    const reading = (async () => {
      for await (const chunk of child.stdout) output += new TextDecoder().decode(chunk);
    })();
    const base = server.model.log("video:1").length;
    await until(() => output.includes(`subscribed ${base}`), "subscribed");
    server.model.publish("video:1", "comment", { text: "x" });
    await until(() => output.includes(`comment ${base + 1}`), "live");
    server.cut();
    server.model.publish("video:1", "comment", { text: "x" });
    await until(() => output.includes(`comment ${base + 2}`), "recovered");
    await child.stdin.end();
    expect(await child.exited).toBe(0);
    await reading;
    expect(output.trim().split("\n")).toEqual([
      `subscribed ${base}`,
      `comment ${base + 1}`,
      `comment ${base + 2}`,
    ]);
  }, 20_000);
}
