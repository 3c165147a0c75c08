/** A private PgBouncer in front of a PostgreSQL of the tests. Debian: `pgbouncer`. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { unprivilegedCommand } from "./postgres.ts";

const START_MS_MAX = 10_000;

export interface TestPgBouncer {
  /** The same database through the pooler. */
  through(url: string): string;
  stop(): Promise<void>;
}

export interface PgBouncerOptions {
  readonly poolMode: "session" | "transaction" | "statement";
  /** Startup parameters that it drops instead of refusing the connection. */
  readonly ignoreStartupParameters?: readonly string[];
  readonly poolSize?: number;
}

export async function startPgBouncer(
  target: string,
  options: PgBouncerOptions,
): Promise<TestPgBouncer> {
  const asUser = await unprivilegedCommand();
  const directory = mkdtempSync(join(tmpdir(), "ovation-pgbouncer-"));
  const port = await freePort();
  const { port: serverPort } = new URL(target);
  const config = join(directory, "pgbouncer.ini");
  writeFileSync(
    config,
    [
      "[databases]",
      `* = host=127.0.0.1 port=${serverPort} user=ovation`,
      "[pgbouncer]",
      "listen_addr = 127.0.0.1",
      `listen_port = ${port}`,
      "unix_socket_dir =",
      "auth_type = any",
      `pool_mode = ${options.poolMode}`,
      `default_pool_size = ${options.poolSize ?? 8}`,
      `ignore_startup_parameters = ${(options.ignoreStartupParameters ?? []).join(",")}`,
      "",
    ].join("\n"),
    { mode: 0o644 },
  );
  if (asUser.length > 0) Bun.spawnSync(["chmod", "755", directory]);
  const child = Bun.spawn([...asUser, "/usr/sbin/pgbouncer", config], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: Bun.file(join(directory, "pgbouncer.log")),
  });
  const end = () => child.kill();
  process.once("exit", end);
  const until = Date.now() + START_MS_MAX;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || Date.now() > until) {
      const said = await Bun.file(join(directory, "pgbouncer.log")).text();
      throw new Error(`PgBouncer did not start: ${said}`);
    }
    await Bun.sleep(20);
  }
  return {
    through(url) {
      const address = new URL(url);
      address.port = `${port}`;
      return address.href;
    },
    async stop() {
      process.off("exit", end);
      child.kill();
      await child.exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function accepts(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}
