/**
 * A real nginx that serves a server below a path of its own, as a site would: `location /live/ {
 * proxy_pass …/; }`.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../testing/free-port.ts";

export interface SubPath {
  /** The server's address: with the path, without a slash at its end. */
  readonly url: string;
  /** The site around it. */
  readonly origin: string;
  stop(): Promise<void>;
}

const READY_MS_MAX = 10_000;

/** `upstream` is the server's own address. */
export async function serveBelowPath(upstream: string, path = "/live"): Promise<SubPath> {
  const directory = await mkdtemp(join(tmpdir(), "ovation-nginx-"));
  const port = await freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${directory}/${name};`)
    .join(" ");
  const configuration = `daemon off; pid ${directory}/pid; error_log stderr;
events { worker_connections 256; }
http {
  access_log off; ${temporary}
  server {
    listen 127.0.0.1:${port};
    location ${path}/ {
      proxy_pass ${upstream}/;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
    location / { return 404; }
  }
}
`;
  const file = join(directory, "nginx.conf");
  await writeFile(file, configuration);
  const child = spawn("nginx", ["-p", directory, "-c", file], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-2000);
  });
  const origin = `http://127.0.0.1:${port}`;
  async function stop(): Promise<void> {
    if (child.exitCode === null) {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    }
    await rm(directory, { recursive: true, force: true });
  }
  const until = Date.now() + READY_MS_MAX;
  while (Date.now() < until && child.exitCode === null) {
    if ((await fetch(`${origin}${path}/readyz`).catch(() => undefined))?.ok)
      return { url: origin + path, origin, stop };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stop();
  throw new Error(`nginx did not become ready: ${errors}`);
}
