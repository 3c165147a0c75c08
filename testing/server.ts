/**
 * `ovation start` as its users start it: a process with data of its own, on a port that it keeps
 * over restarts. Runs under Bun and, for Playwright, under Node.
 */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { TEST_SECRET, token } from "./token.ts";
import { until } from "./until.ts";

export const ROOT = join(import.meta.dirname, "..");
const COMMAND = "ovation/bin/ovation";
const START_MS_MAX = 25_000;
const OUTPUT_CHARACTERS_MAX = 100_000;

export interface ServerOptions {
  /** Further flags of `ovation start`; `{directory}` is the server's own directory. */
  readonly flags?: readonly string[];
  /** `off`: tests may write as fast as they like. Default: as in production. */
  readonly rateLimits?: "off";
  /** PEM files: https. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** The most files that the process may open. */
  readonly descriptorsMax?: number;
  /** `undefined` removes a variable of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Its data are on a disk of this size, which goes with the process. */
  readonly diskMegabytes?: number;
  /** Written into the server's directory first, by name, for flags that name them. */
  readonly files?: Readonly<Record<string, string>>;
  /** An existing directory, for a second server with the data of a first. */
  readonly directory?: string;
}

export interface PublishedEvent {
  readonly topic: string;
  readonly type: string;
  readonly data: unknown;
  readonly durable?: boolean;
  /** Idempotency key. */
  readonly id?: string;
}

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly token: string;
}

/** The members of a comment that tests read. */
export interface StoredComment {
  readonly seq: number;
  readonly text: string;
}

export class Server {
  readonly directory: string;
  readonly port: number;
  readonly url: string;
  /** The end of what all its processes wrote to their standard output and error. */
  output = "";
  readonly #options: ServerOptions;
  #child: ChildProcess | undefined;
  #publisher: Promise<string> | undefined;

  private constructor(port: number, options: ServerOptions) {
    this.port = port;
    this.url = `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
    this.directory = options.directory ?? mkdtempSync(join(tmpdir(), "ovation-server-"));
    this.#options = options;
  }

  /** Resolves when the server is ready. */
  static async start(options: ServerOptions = {}): Promise<Server> {
    const server = new Server(await freePort(), options);
    await server.run();
    return server;
  }

  /** The disk of {@link ServerOptions.diskMegabytes}, as other processes see it. */
  get disk(): string {
    return join("/proc", String(this.pid), "root", this.directory);
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error("the server does not run");
    return this.#child.pid;
  }

  /** Runs the process; again after {@link kill} or {@link end}. `root`: of another checkout. */
  async run(root = ROOT): Promise<void> {
    for (const [name, text] of Object.entries(this.#options.files ?? {}))
      writeFileSync(join(this.directory, name), text);
    const child = spawn(...this.#command(join(root, COMMAND)), {
      env: this.#environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output = (this.output + text).slice(-OUTPUT_CHARACTERS_MAX);
      });
    }
    const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
    await until(async () => hasEnded() || (await this.isReady()), "ready", START_MS_MAX).catch(() =>
      child.kill("SIGKILL"),
    );
    if (hasEnded() || child.killed) throw new Error(`the server did not start: ${this.output}`);
  }

  async isReady(): Promise<boolean> {
    try {
      return (await this.#send("GET", "/readyz")).status === 200;
    } catch {
      // Not listening yet, or not any more.
      return false;
    }
  }

  /** Bun accepts the test's own certificate here; under Node only plain http is reached. */
  get(path: string, init: RequestInit | BunFetchRequestInit = {}): Promise<Response> {
    const more: BunFetchRequestInit = { tls: { rejectUnauthorized: false }, keepalive: false };
    return fetch(this.url + path, { ...init, ...more } as BunFetchRequestInit);
  }

  /** A JSON request; returns the JSON answer. Throws where the status is not 2xx. */
  async request<Answer = unknown>(
    method: string,
    path: string,
    body?: unknown,
    token?: string,
  ): Promise<Answer> {
    const { status, text } = await this.#send(method, path, body, token);
    if (status < 200 || status > 299) throw new Error(`${method} ${path}: ${status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as Answer;
  }

  /** Returns the `seq` of each event when it is accepted; undefined for live ones. */
  async publish(events: readonly PublishedEvent[]): Promise<readonly (number | undefined)[]> {
    this.#publisher ??= token({ sub: "publisher", publish: ["*"] });
    const { seqs } = await this.request<{ readonly seqs?: readonly (number | null)[] }>(
      "POST",
      "/v1/publish",
      events,
      await this.#publisher,
    );
    return events.map((_, index) => seqs?.[index] ?? undefined);
  }

  /** Returns the comment's `seq`. */
  async comment(video: string, text: string, token: string): Promise<number> {
    const path = `/v1/videos/${video}/comments`;
    const { seq } = await this.request<StoredComment>("POST", path, { text }, token);
    return seq;
  }

  async comments(video: string): Promise<readonly StoredComment[]> {
    const path = `/v1/videos/${video}/comments`;
    return (await this.request<{ comments: readonly StoredComment[] }>("GET", path)).comments;
  }

  async likes(video: string): Promise<number | undefined> {
    const path = `/v1/videos/${video}`;
    return (await this.request<{ likes: { like?: number } }>("GET", path)).likes.like;
  }

  async guest(name: string): Promise<Person> {
    const { member, token } = await this.request<{
      readonly member: Omit<Person, "token">;
      readonly token: string;
    }>("POST", "/v1/guests", { name });
    return { ...member, token };
  }

  /** A token as `ovation token` prints it. */
  async token(...flags: string[]): Promise<string> {
    const parameters = [join(ROOT, COMMAND), "token", ...flags];
    const { stdout } = await promisify(execFile)("sh", parameters, { env: this.#environment() });
    return stdout.trim();
  }

  /** The sum over the metric's values with these labels; 0 where there is none. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const { text } = await this.#send("GET", "/metrics");
    let sum = 0;
    for (const line of text.split("\n")) {
      if (!line.startsWith(name) || !/^[ {]/.test(line.slice(name.length))) continue;
      if (!Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)))
        continue;
      sum += Number(line.slice(line.lastIndexOf(" ") + 1));
    }
    return sum;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** SIGKILL; resolves when the process has ended. The data stay. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** SIGTERM; returns the exit code, 128 + n where signal n ended it. */
  end(): Promise<number> {
    return this.#end("SIGTERM");
  }

  /** SIGKILL; removes the data. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<number> {
    const child = this.#child;
    if (child === undefined) return 0;
    if (child.exitCode === null && child.signalCode === null) {
      const closed = once(child, "close");
      child.kill(signal);
      await closed;
    }
    const { signals } = constants;
    return child.exitCode ?? 128 + (child.signalCode === null ? 0 : signals[child.signalCode]);
  }

  #environment(): NodeJS.ProcessEnv {
    const all = { ...process.env, OVATION_SECRET: TEST_SECRET, ...this.#options.environment };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  }

  #command(program: string): [command: string, parameters: string[]] {
    const { flags = [], rateLimits, tls, descriptorsMax, diskMegabytes } = this.#options;
    const parameters = ["start", "--port", String(this.port)];
    parameters.push("--data", join(this.directory, "data"), "--drain-seconds", "1");
    if (rateLimits !== undefined) parameters.push("--rate-limits", rateLimits);
    if (tls !== undefined) parameters.push("--tls-cert", tls.cert, "--tls-key", tls.key);
    parameters.push(...flags.map((flag) => flag.replace("{directory}", this.directory)));
    const limit = descriptorsMax === undefined ? "" : `ulimit -n ${descriptorsMax} && `;
    const run = ["sh", "-c", `${limit}exec sh "$0" "$@"`, program, ...parameters];
    if (diskMegabytes === undefined) return [run[0] ?? "", run.slice(1)];
    // In a mount namespace of its own, which ends with the process.
    const mount = `mount -t tmpfs -o size=${diskMegabytes}m tmpfs ${this.directory} && `;
    run[2] = mount + run[2];
    const asRoot = process.getuid?.() === 0 ? [] : ["--map-root-user"];
    return ["unshare", ["--mount", ...asRoot, ...run]];
  }

  /** By `node:http`, which accepts the test's own certificate under Bun and under Node. */
  #send(
    method: string,
    path: string,
    body?: unknown,
    token?: string,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const send = this.url.startsWith("https") ? httpsRequest : httpRequest;
    const headers: Record<string, string> = { connection: "close" };
    const text = body === undefined ? undefined : JSON.stringify(body);
    if (text !== undefined) {
      headers["content-type"] = "application/json";
      // Node announces the body of a DELETE only with its length.
      headers["content-length"] = String(Buffer.byteLength(text));
    }
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    return new Promise((resolve, reject) => {
      const options = { method, headers, rejectUnauthorized: false, agent: false } as const;
      const asked = send(this.url + path, options, (response) => {
        let received = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          received += chunk;
        });
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text: received }));
      });
      asked.on("error", reject);
      asked.end(text);
    });
  }
}
