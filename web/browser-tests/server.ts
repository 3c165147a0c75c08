/**
 * Starts the real server for a spec, on a free port with data of its own, and talks to it as other
 * viewers do.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../testing/free-port.ts";

export const ROOT = join(import.meta.dirname, "../..");
const READY_MS_MAX = 15_000;
const SECRET = "a-secret-of-the-browser-tests-only-0123456789";

export interface ServerOptions {
  /** Default: off, so that tests may write as fast as they like. */
  readonly rateLimits?: boolean;
  /** Further flags of `ovation start`. */
  readonly flags?: readonly string[];
}

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly token: string;
}

export class TestServer {
  readonly url: string;
  readonly #port: number;
  readonly #data: string;
  readonly #options: ServerOptions;
  #process: ChildProcess | undefined;

  private constructor(port: number, data: string, options: ServerOptions) {
    this.#port = port;
    this.#data = data;
    this.#options = options;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(options: ServerOptions = {}): Promise<TestServer> {
    const server = new TestServer(
      await freePort(),
      await mkdtemp(join(tmpdir(), "ovation-browser-")),
      options,
    );
    await server.run();
    return server;
  }

  /**
   * Runs the process; again after {@link kill}, on the same port and data. `root`: of another
   * checkout.
   */
  async run(root = ROOT): Promise<void> {
    const limits = this.#options.rateLimits === true ? [] : ["--rate-limits", "off"];
    const flags = [
      "start",
      "--port",
      String(this.#port),
      "--data",
      this.#data,
      ...limits,
      ...(this.#options.flags ?? []),
    ];
    const child = spawn("sh", [join(root, "ovation/bin/ovation"), ...flags], {
      env: { ...process.env, OVATION_SECRET: SECRET },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let errors = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-4000);
    });
    this.#process = child;
    const until = Date.now() + READY_MS_MAX;
    while (Date.now() < until && child.exitCode === null) {
      const ready = await fetch(`${this.url}/readyz`).catch(() => undefined);
      if (ready?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    child.kill("SIGKILL");
    throw new Error(`the server did not become ready: ${errors}`);
  }

  /** `kill -9`: no goodbye to anyone. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#data, { recursive: true, force: true });
  }

  async guest(name: string): Promise<Person> {
    const answer = await this.request("POST", "/v1/guests", { name });
    return { ...answer.member, token: answer.token };
  }

  /** A token as `ovation token` prints it. */
  async token(...flags: string[]): Promise<string> {
    const child = spawn("sh", [join(ROOT, "ovation/bin/ovation"), "token", ...flags], {
      env: { ...process.env, OVATION_SECRET: SECRET },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    await once(child, "close");
    return text.trim();
  }

  async comment(video: string, text: string, token: string): Promise<number> {
    const { seq } = await this.request("POST", `/v1/videos/${video}/comments`, { text }, token);
    return seq;
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests read answers by the members that they expect
  async request(method: string, path: string, body?: unknown, token?: string): Promise<any> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok)
      throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}
