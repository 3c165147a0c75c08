/**
 * The pages behind nginx that buffers event streams, as an unconfigured proxy does: comments
 * come all the same.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { Server } from "../../testing/server.ts";

const directory = mkdtempSync(join(tmpdir(), "ovation-held-back-"));
let server: Server;
let nginx: ChildProcess;
let url: string;

test.beforeAll(async () => {
  server = await Server.start();
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  probe.close();
  url = `http://127.0.0.1:${port}`;
  const file = join(directory, "nginx.conf");
  // Its default, and with it what the server asks for: `X-Accel-Buffering: no` is ignored.
  writeFileSync(
    file,
    `pid ${directory}/nginx.pid; error_log ${directory}/error.log;
    events {}
    http {
      access_log off;
      client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;
      fastcgi_temp_path ${directory}/fastcgi; uwsgi_temp_path ${directory}/uwsgi;
      scgi_temp_path ${directory}/scgi;
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://127.0.0.1:${server.port};
          proxy_buffering on;
          proxy_buffers 8 64k;
          proxy_buffer_size 64k;
          proxy_ignore_headers X-Accel-Buffering;
        }
      }
    }`,
  );
  nginx = spawn("nginx", ["-p", directory, "-c", file, "-g", "daemon off;"], { stdio: "ignore" });
  await expect
    .poll(() =>
      fetch(url)
        .then(({ ok }) => ok)
        .catch(() => false),
    )
    .toBe(true);
});
test.afterAll(async () => {
  nginx.kill("SIGTERM");
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

test("a page shows every comment once, by long polls, and its viewer is counted once", async ({
  page,
}) => {
  test.setTimeout(60_000);
  const polls: string[] = [];
  page.on("request", (request) => {
    if (request.headers()["accept"] === "application/json" && request.url().includes("/v1/events"))
      polls.push(request.url());
  });
  await page.goto(`${url}/embed/held`);
  await expect.poll(() => polls.length, { timeout: 20_000 }).toBeGreaterThan(1);
  const author = { id: "a", name: "Ana", role: "member" };
  for (let number = 1; number <= 5; number++)
    await server.publish([
      {
        topic: "video:held",
        type: "comment",
        data: { text: `comment ${number}`, author },
        durable: true,
      },
    ]);
  await expect(page.getByText("comment 5", { exact: true })).toBeVisible();
  for (let number = 1; number <= 5; number++)
    await expect(page.getByText(`comment ${number}`, { exact: true })).toHaveCount(1);
  const video = await (await fetch(`${server.url}/v1/videos/held`)).json();
  expect(video.viewers).toBe(1);
  expect(new Set(polls.map((each) => new URL(each).searchParams.get("connection"))).size).toBe(2);
});
