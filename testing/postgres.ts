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
/** How much of the end of the server's log an error quotes. */
const LOG_CHARACTERS_MAX = 4000;

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
  const port = await freePort();
  const server = new PostgresServer({ settings, environment, binaries, asUser, port });
  await server.create(networks);
  await server.resume();
  return server;
}

interface PostgresServerOptions {
  readonly settings: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly binaries: string;
  /** As {@link unprivilegedCommand}. */
  readonly asUser: readonly string[];
  readonly port: number;
}

class PostgresServer implements TestPostgres {
  readonly directory = mkdtempSync(join(tmpdir(), "ovation-postgres-"));
  readonly #options: PostgresServerOptions;
  readonly #data = join(this.directory, "data");
  readonly #copy = join(this.directory, "copy");
  readonly #log = join(this.directory, "postgres.log");
  #server: Bun.Subprocess | undefined;

  constructor(options: PostgresServerOptions) {
    this.#options = options;
  }

  get url(): string {
    return this.#urlOf("postgres");
  }

  get binaries(): string {
    return this.#options.binaries;
  }

  /** Makes the data directory, which this process removes in any case when it ends. */
  async create(networks: readonly string[]): Promise<void> {
    const { asUser } = this.#options;
    if (asUser.length > 0) await run(["chown", asUser[2] ?? "", this.directory]);
    process.once("exit", this.#end);
    await run(
      [
        ...this.#command("initdb"),
        ...["-D", this.#data, "-U", "ovation", "-A", "trust"],
        ...["-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
      ],
      this.directory,
    );
    if (networks.length > 0)
      appendFileSync(
        join(this.#data, "pg_hba.conf"),
        networks.map((network) => `host all all ${network} trust\n`).join(""),
      );
  }

  async createDatabase(name: string): Promise<string> {
    const psql = join(this.binaries, "psql");
    const create = `CREATE DATABASE "${name}"`;
    await run([psql, "-q", "-X", "-v", "ON_ERROR_STOP=1", "-d", this.url, "-c", create]);
    return this.#urlOf(name);
  }

  async halt(how: "fast" | "immediate"): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    try {
      await run(this.#stopCommand(how), this.directory);
    } catch (error) {
      // A terminal's Ctrl-C ends it as well.
      if ((await Promise.race([server.exited, Bun.sleep(GONE_MS_MAX)])) === undefined) throw error;
    }
    await server.exited;
    this.#server = undefined;
  }

  async resume(): Promise<void> {
    // A server of an earlier attempt may still be starting: a second one would end at once.
    if (this.#server === undefined || hasEnded(this.#server)) this.#server = this.#spawn();
    const until = Date.now() + START_MS_MAX;
    while (!(await this.#isReady())) {
      if (hasEnded(this.#server) || Date.now() > until) {
        const lines = await Bun.file(this.#log).text();
        throw new Error(`PostgreSQL did not start: ${lines.slice(-LOG_CHARACTERS_MAX)}`);
      }
      await Bun.sleep(20);
    }
  }

  async copyFiles(): Promise<void> {
    await run(["rm", "-rf", this.#copy]);
    await run(["cp", "-a", this.#data, this.#copy]);
  }

  async restoreFiles(): Promise<void> {
    await run(["rm", "-rf", this.#data]);
    await run(["cp", "-a", this.#copy, this.#data]);
  }

  async stop(): Promise<void> {
    process.off("exit", this.#end);
    await this.halt("immediate");
    rmSync(this.directory, { recursive: true, force: true });
  }

  #spawn(): Bun.Subprocess {
    const { settings, environment, asUser, binaries, port } = this.#options;
    const flags = Object.entries({
      port: `${port}`,
      listen_addresses: "127.0.0.1",
      unix_socket_directories: this.directory,
      shared_buffers: "64MB",
      max_connections: "60",
      ...settings,
    }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    // For the server alone, not for `runuser` before it: libfaketime makes a semaphore that child
    // processes must open, and the server cannot open one that belongs to root.
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const program = ["env", ...variables, join(binaries, "postgres"), "-D", this.#data, ...flags];
    const log = openSync(this.#log, "a");
    try {
      return Bun.spawn([...asUser, ...program], {
        cwd: this.directory,
        stdio: ["ignore", "ignore", log],
      });
    } finally {
      closeSync(log);
    }
  }

  async #isReady(): Promise<boolean> {
    const address = ["-h", "127.0.0.1", "-p", `${this.#options.port}`, "-U", "ovation"];
    const command = [join(this.binaries, "pg_isready"), "-q", ...address];
    return (await Bun.spawn(command, { stdout: "ignore", stderr: "ignore" }).exited) === 0;
  }

  /** A process that ends without `stop` stops its server and removes the data, except `kill -9`. */
  readonly #end = (): void => {
    if (this.#server !== undefined)
      Bun.spawnSync([...this.#stopCommand("immediate")], {
        cwd: this.directory,
        stdout: "ignore",
        stderr: "ignore",
      });
    removeAtLast(this.directory);
  };

  /** pg_ctl signals the postmaster itself, also behind a wrapper such as runuser. */
  #stopCommand(how: "fast" | "immediate"): readonly string[] {
    return [...this.#command("pg_ctl"), "stop", "-D", this.#data, "-m", how];
  }

  #command(program: string): readonly string[] {
    return [...this.#options.asUser, join(this.binaries, program)];
  }

  #urlOf(database: string): string {
    return `postgres://ovation@127.0.0.1:${this.#options.port}/${database}`;
  }
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
