/** The real server as a process of its own, with data of its own, that can be killed and started again. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../testing/free-port.ts";

const COMMAND = join(dirname(fileURLToPath(import.meta.url)), "../../ovation/bin/ovation");
const READY_WITHIN_MS = 20_000;

export interface RealServer {
  readonly url: string;
  /** `kill -9`; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data; resolves when it is ready. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRealServer(...flags: string[]): Promise<RealServer> {
  const data = await mkdtemp(join(tmpdir(), "ovation-client-server-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: Bun.Subprocess | undefined;

  async function start(): Promise<void> {
    const command = [
      "sh",
      COMMAND,
      "start",
      "--port",
      String(port),
      "--data",
      data,
      "--log-level",
      "warn",
      ...flags,
    ];
    child = Bun.spawn(command, { stdout: "ignore", stderr: "inherit" });
    const deadline = performance.now() + READY_WITHIN_MS;
    while (!(await isReady())) {
      if (performance.now() > deadline || child.exitCode !== null)
        throw new Error("the server does not get ready");
      await Bun.sleep(20);
    }
  }

  async function isReady(): Promise<boolean> {
    try {
      return (await fetch(`${url}/readyz`)).ok;
    } catch {
      return false;
    }
  }

  async function kill(): Promise<void> {
    child?.kill("SIGKILL");
    await child?.exited;
  }

  await start();
  return {
    url,
    kill,
    start,
    async stop() {
      await kill();
      await rm(data, { recursive: true });
    },
  };
}
