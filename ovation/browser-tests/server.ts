/** `ovation start` for a spec, with TLS or without; and a proxy before it that can be watched, slowed and cut. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect, createServer, type Server as NetServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../testing/free-port.ts";

const COMMAND = join(import.meta.dirname, "../bin/ovation");
const SECRET = "a-secret-of-the-browser-tests-only-0123456789";
const READY_MS_MAX = 25_000;

export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** What Chromium is told to trust: the SHA-256 of the public key, in base64. */
  readonly fingerprint: string;
}

export class OvationServer {
  readonly port: number;
  readonly url: string;
  readonly #directory = mkdtempSync(join(tmpdir(), "ovation-browser-"));
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;
  #token = "";
  /** The end of what it has written to its standard error. */
  errors = "";

  private constructor(port: number, scheme: string, flags: readonly string[]) {
    this.port = port;
    this.url = `${scheme}://127.0.0.1:${port}`;
    this.#flags = flags;
  }

  static async start(flags: readonly string[] = [], tls?: Certificate): Promise<OvationServer> {
    const secured = tls === undefined ? [] : ["--tls-cert", tls.cert, "--tls-key", tls.key];
    const server = new OvationServer(await freePort(), tls === undefined ? "http" : "https", [
      ...flags,
      ...secured,
    ]);
    await server.run();
    server.#token = execFileSync("sh", [COMMAND, "token", "--sub", "publisher", "--publish", "*"], {
      env: environment(),
    })
      .toString()
      .trim();
    return server;
  }

  async run(): Promise<void> {
    const parameters = [
      "start",
      "--port",
      String(this.port),
      "--data",
      join(this.#directory, "data"),
      "--drain-seconds",
      "1",
    ];
    const child = spawn("sh", [COMMAND, ...parameters, ...this.#flags], {
      env: environment(),
      stdio: ["ignore", "ignore", "pipe"],
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.errors = (this.errors + chunk.toString()).slice(-4000);
    });
    this.#child = child;
    const until = Date.now() + READY_MS_MAX;
    while (Date.now() < until && child.exitCode === null) {
      const status = await this.request("GET", "/readyz").then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the server did not become ready: ${this.errors}`);
  }

  /** Publishes, and answers when it is accepted, durable ones when they are stored. */
  publish(topic: string, type: string, data: unknown, durable = false): Promise<void> {
    return this.publishAll([{ topic, type, data, durable }]);
  }

  async publishAll(events: readonly object[]): Promise<void> {
    const { status, text } = await this.request("POST", "/v1/publish", events);
    if (status >= 300) throw new Error(`publish: ${status} ${text}`);
  }

  async metric(name: string): Promise<number> {
    const { text } = await this.request("GET", "/metrics");
    const lines = text
      .split("\n")
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  request(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const send = this.url.startsWith("https") ? httpsRequest : httpRequest;
    const headers = { "content-type": "application/json", authorization: `Bearer ${this.#token}` };
    return new Promise((resolve, reject) => {
      const options = {
        method,
        rejectUnauthorized: false,
        agent: false,
        ...(method === "GET" ? {} : { headers }),
      } as const;
      const asked = send(this.url + path, options, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      });
      asked.on("error", reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Asks it to end (SIGTERM: it drains) or ends it (SIGKILL), and waits until it has. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  async stop(): Promise<void> {
    await this.end("SIGKILL");
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Before the server: sees the heads of requests and answers, stops passing on what the server sends, cuts everything. */
export class WatchedProxy {
  readonly heads: string[] = [];
  port = 0;
  readonly #server: NetServer;
  readonly #sockets = new Set<Socket>();
  readonly #upstream = new Set<Socket>();
  #paused = false;

  constructor(target: number) {
    this.#server = createServer((client) => {
      const server = connect(target, "127.0.0.1");
      this.#sockets.add(client).add(server);
      this.#upstream.add(server);
      for (const socket of [client, server]) {
        let first = true;
        socket.on("data", (chunk: Buffer) => {
          if (first) this.heads.push(chunk.toString("latin1").split("\r\n\r\n")[0] ?? "");
          first = false;
        });
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#sockets.delete(socket);
          this.#upstream.delete(socket);
          client.destroy();
          server.destroy();
        });
      }
      client.pipe(server);
      server.pipe(client);
      if (this.#paused) server.pause();
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    this.port = typeof address === "object" && address !== null ? address.port : 0;
  }

  pause(): void {
    this.#paused = true;
    for (const socket of this.#upstream) socket.pause();
  }

  resume(): void {
    this.#paused = false;
    for (const socket of this.#upstream) socket.resume();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, OVATION_SECRET: SECRET };
}

/** For localhost, for less than two weeks: browsers take none for HTTP/3 that lasts longer. */
export function makeCertificate(directory: string): Certificate {
  const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const subject = [
    "-subj",
    "/CN=localhost",
    "-addext",
    "subjectAltName=DNS:localhost,IP:127.0.0.1",
  ];
  const keys = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  execFileSync(
    "openssl",
    ["req", "-x509", ...keys, "-keyout", key, "-out", cert, "-days", "10", ...subject],
    { stdio: "ignore" },
  );
  const publicKey = execFileSync("openssl", ["x509", "-in", cert, "-pubkey", "-noout"]);
  const der = execFileSync("openssl", ["pkey", "-pubin", "-outform", "der"], { input: publicKey });
  const fingerprint = execFileSync("openssl", ["dgst", "-sha256", "-binary"], {
    input: der,
  }).toString("base64");
  return { cert, key, fingerprint };
}
