/**
 * What a small request costs the server, by ours and by `Bun.serve`, in turns in one run: CPU of
 * the server's process for each POST of a comment's size with a JSON answer, 64 clients on
 * connections that are kept.
 *
 *     sh ovation/bin/bun http/http-server.bench.ts
 */

import { fileURLToPath } from "node:url";
import { runPostClients } from "../load/harness/post-clients.ts";
import { HttpServer } from "./mod.ts";

const SECONDS = 4;
const ROUNDS = 2;
const [form] = process.argv.slice(2);

if (form === undefined) {
  for (let round = 0; round < ROUNDS; round++) {
    for (const each of ["ours", "bun"]) await measure(each);
  }
} else {
  const answer = (bytes: Uint8Array) =>
    new Response(
      JSON.stringify({ accepted: JSON.parse(new TextDecoder().decode(bytes)).text.length }),
      {
        status: 202,
        headers: { "content-type": "application/json" },
      },
    );
  const port =
    form === "ours"
      ? new HttpServer({
          at: { host: "127.0.0.1", port: 0, reusePort: false },
          handle: async (request) => answer(await request.bytes()),
          onError: (error) => console.error(error),
          onRefused: (problem) => console.error(problem),
        }).port
      : Bun.serve({
          port: 0,
          hostname: "127.0.0.1",
          fetch: async (request) => answer(await request.bytes()),
        }).port;
  process.send?.(port);
  process.on("message", () => process.send?.(process.cpuUsage()));
}

async function measure(server: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  let said = resolve;
  const child = Bun.spawn([process.execPath, fileURLToPath(import.meta.url), server], {
    ipc: (message) => said(message),
    stderr: "inherit",
  });
  const ask = () => {
    const asked = Promise.withResolvers<unknown>();
    said = asked.resolve;
    child.send("cpu");
    return asked.promise as Promise<NodeJS.CpuUsage>;
  };
  const task = {
    urls: [`http://127.0.0.1:${await promise}`],
    path: "/v1/x",
    token: "t".repeat(150),
    clients: 64,
    form: "comment" as const,
  };
  await runPostClients({ ...task, seconds: 1 });
  const before = await ask();
  const { answers, perSecond } = await runPostClients({ ...task, seconds: SECONDS });
  const after = await ask();
  const us = (after.user + after.system - before.user - before.system) / answers;
  console.log(`${server}: ${us.toFixed(1)} µs of CPU a request, ${Math.round(perSecond)}/s`);
  child.kill();
}
