/**
 * A private PostgreSQL for tests and local clusters: its own data directory, a free port on
 * 127.0.0.1, fsync on. Needs PostgreSQL's server programs (Debian: `postgresql`); runs them as an
 * unprivileged user where this process is root, which PostgreSQL refuses to run as.
 */

import {
  appendFileSync,
  closeSync,
  existsSync,
  globSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePort } from "./free-port.ts";

/** Accounts without privileges, by the names that Debian gives them. */
const USERS = ["postgres", "nobody"];
const START_MS_MAX = 20_000;
const GONE_MS_MAX = 5000;
const REMOVE_ATTEMPTS_MAX = 50;
/** How much of the server's log an error quotes: its end. */
const SAID_CHARACTERS_MAX = 4000;

export interface TestPostgres {
  /** `postgres://…` of a superuser in the database `postgres`. */
  readonly url: string;
  /** Where psql, pg_dump and their like are. */
  readonly binaries: string;
  /** Its own, removed by `stop`. */
  readonly directory: string;
  /** Makes a database of this name and answers its URL. */
  createDatabase(name: string): Promise<string>;
  /** Ends it: `fast` does not wait for clients, `immediate` is a crash. The data stays. */
  halt(how: "fast" | "immediate"): Promise<void>;
  /** Starts it again on the same port and data. */
  resume(): Promise<void>;
  /** While it is halted: keeps a copy of its files, and puts the copy in their place. */
  copyFiles(): Promise<void>;
  restoreFiles(): Promise<void>;
  /** Ends it and removes the data. */
  stop(): Promise<void>;
}

/** The directory that holds `initdb` and `postgres`, or an error that says what to install. */
export function findPostgres(): string {
  const newestFirst = globSync("/usr/lib/postgresql/*/bin").sort().reverse();
  const directories = [
    ...(process.env.PATH ?? "").split(":"),
    ...newestFirst,
    "/usr/local/bin",
    "/usr/local/pgsql/bin",
  ];
  const found = directories.find(
    (directory) => existsSync(join(directory, "initdb")) && existsSync(join(directory, "postgres")),
  );
  if (found === undefined)
    throw new Error("no PostgreSQL found: install it (Debian: apt-get install postgresql)");
  // Links to single programs may stand in a directory of PATH; the others lie beside the real one.
  return dirname(realpathSync(join(found, "initdb")));
}

/** `networks`: whose clients are accepted, besides this machine's own loopback. */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
  networks: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<TestPostgres> {
  const binaries = findPostgres();
  const asUser = await unprivilegedCommand();
  const directory = mkdtempSync(join(tmpdir(), "ovation-postgres-"));
  const data = join(directory, "data");
  const copy = join(directory, "copy");
  const log = join(directory, "postgres.log");
  if (asUser.length > 0) await run(["chown", asUser[2] ?? "", directory]);
  const port = await freePort();
  const url = `postgres://ovation@127.0.0.1:${port}/postgres`;
  // For the server alone, not for `runuser` before it: libfaketime makes a semaphore that child
  // processes must open, and one that belongs to root the server cannot open.
  const serverEnvironment = [
    "env",
    ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
  ];
  let server: ReturnType<typeof Bun.spawn> | undefined;

  async function resume(): Promise<void> {
    const flags = Object.entries({
      port: `${port}`,
      listen_addresses: "127.0.0.1",
      unix_socket_directories: directory,
      shared_buffers: "64MB",
      max_connections: "60",
      ...settings,
    }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    // A server that is still starting after an earlier attempt: a second one would end at once.
    if (server === undefined || hasEnded(server)) {
      const program = [...serverEnvironment, join(binaries, "postgres")];
      const logged = openSync(log, "a");
      server = Bun.spawn([...asUser, ...program, "-D", data, ...flags], {
        cwd: directory,
        stdin: "ignore",
        stdout: "ignore",
        stderr: logged,
      });
      closeSync(logged);
    }
    const until = Date.now() + START_MS_MAX;
    const ready = [
      join(binaries, "pg_isready"),
      "-q",
      "-h",
      "127.0.0.1",
      "-p",
      `${port}`,
      "-U",
      "ovation",
    ];
    while ((await Bun.spawn(ready, { stdout: "ignore", stderr: "ignore" }).exited) !== 0) {
      if (hasEnded(server) || Date.now() > until) {
        const said = await Bun.file(log).text();
        throw new Error(`PostgreSQL did not start: ${said.slice(-SAID_CHARACTERS_MAX)}`);
      }
      await Bun.sleep(20);
    }
  }

  async function halt(how: "fast" | "immediate"): Promise<void> {
    // pg_ctl signals the postmaster itself, also where a wrapper such as runuser stands before it.
    if (server === undefined) return;
    try {
      await run([...asUser, join(binaries, "pg_ctl"), "stop", "-D", data, "-m", how], directory);
    } catch (error) {
      // A terminal's Ctrl-C ends it as well.
      if ((await Promise.race([server.exited, Bun.sleep(GONE_MS_MAX)])) === undefined) throw error;
    }
    await server.exited;
    server = undefined;
  }

  async function createDatabase(name: string): Promise<string> {
    await run([
      join(binaries, "psql"),
      "-q",
      "-X",
      "-v",
      "ON_ERROR_STOP=1",
      "-d",
      url,
      "-c",
      `CREATE DATABASE "${name}"`,
    ]);
    return `postgres://ovation@127.0.0.1:${port}/${name}`;
  }

  // A process that ends without `stop` stops its server and removes the data; `kill -9` does not.
  const end = (): void => {
    const stop = [...asUser, join(binaries, "pg_ctl"), "stop", "-D", data, "-m", "immediate"];
    if (server !== undefined)
      Bun.spawnSync(stop, { cwd: directory, stdout: "ignore", stderr: "ignore" });
    removeAtLast(directory);
  };
  process.once("exit", end);
  await run(
    [
      ...asUser,
      join(binaries, "initdb"),
      "-D",
      data,
      "-U",
      "ovation",
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--locale=C.UTF-8",
      "--no-sync",
    ],
    directory,
  );
  if (networks.length > 0)
    appendFileSync(
      join(data, "pg_hba.conf"),
      networks.map((network) => `host all all ${network} trust\n`).join(""),
    );
  await resume();
  return {
    url,
    binaries,
    directory,
    createDatabase,
    halt,
    resume,
    async copyFiles() {
      await run(["rm", "-rf", copy]);
      await run(["cp", "-a", data, copy]);
    },
    async restoreFiles() {
      await run(["rm", "-rf", data]);
      await run(["cp", "-a", copy, data]);
    },
    async stop() {
      process.off("exit", end);
      await halt("immediate");
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function hasEnded({ exitCode, signalCode }: Bun.Subprocess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Retries, because a killed initdb or a stopping server may still write there. */
function removeAtLast(directory: string): void {
  for (let attempt = 0; existsSync(directory) && attempt < REMOVE_ATTEMPTS_MAX; attempt++) {
    try {
      rmSync(directory, { recursive: true, force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
    }
    Bun.sleepSync(20);
  }
}

/** What to put before a command so that it does not run as root; `[2]` is then the user. */
export async function unprivilegedCommand(): Promise<readonly string[]> {
  if (process.getuid?.() !== 0) return [];
  for (const user of USERS) {
    if ((await Bun.spawn(["id", "-u", user], { stdout: "ignore", stderr: "ignore" }).exited) === 0)
      return ["runuser", "-u", user, "--"];
  }
  throw new Error(`PostgreSQL does not run as root, and there is no user ${USERS.join(" or ")}`);
}

async function run(command: readonly string[], cwd?: string): Promise<void> {
  const child = Bun.spawn([...command], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    ...(cwd === undefined ? {} : { cwd }),
  });
  const [code, output, errors] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if (code !== 0) throw new Error(`${command.join(" ")}: exit ${code}\n${output}${errors}`);
}
