/** `ovation start` as its users start it: a process with data of its own, on a port that it keeps over restarts. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../../testing/free-port.ts";
import { signToken } from "../../tokens/mod.ts";

const COMMAND = join(import.meta.dir, "../../bin/ovation");
const SECRET = "the-secret-of-these-tests-only-0123456789";
const START_MS_MAX = 25_000;

export interface ServerOptions {
  readonly flags?: readonly string[];
  /** PEM files: https. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** The most files that the process may open. */
  readonly filesMax?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Its data are on a disk of this size, which goes with the process. */
  readonly diskMegabytes?: number;
}

export interface PublishedEvent {
  readonly topic: string;
  readonly type: string;
  readonly data: unknown;
  readonly durable?: boolean;
  /** Idempotency key. */
  readonly id?: string;
}

export class Server {
  readonly directory = mkdtempSync(join(tmpdir(), "ovation-http-"));
  readonly port: number;
  readonly url: string;
  output = "";
  readonly #options: ServerOptions;
  readonly #token: string;
  #child: Bun.Subprocess | undefined;

  private constructor(port: number, token: string, options: ServerOptions) {
    this.port = port;
    this.url = `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
    this.#token = token;
    this.#options = options;
  }

  static async start(options: ServerOptions = {}): Promise<Server> {
    const server = new Server(
      await freePort(),
      await token({ sub: "publisher", publish: ["*"] }),
      options,
    );
    await server.run();
    return server;
  }

  /** The disk of {@link ServerOptions.diskMegabytes}, as others see it. */
  get disk(): string {
    return join("/proc", String(this.pid), "root", this.directory);
  }

  get pid(): number {
    if (this.#child === undefined) throw new Error("the server does not run");
    return this.#child.pid;
  }

  /** Runs the process; again after {@link kill} or {@link end}, on the same port and data. */
  async run(): Promise<void> {
    const { flags = [], tls, filesMax, environment = {}, diskMegabytes } = this.#options;
    const limit = filesMax === undefined ? "" : `ulimit -n ${filesMax} && `;
    const parameters = [
      "start",
      "--port",
      String(this.port),
      "--data",
      join(this.directory, "data"),
      "--drain-seconds",
      "1",
      ...flags,
    ];
    if (tls !== undefined) parameters.push("--tls-cert", tls.cert, "--tls-key", tls.key);
    // In a mount namespace of its own, which ends with it.
    const apart =
      diskMegabytes === undefined
        ? []
        : ["unshare", "--mount", ...(process.getuid?.() === 0 ? [] : ["--map-root-user"])];
    const mount =
      diskMegabytes === undefined
        ? ""
        : `mount -t tmpfs -o size=${diskMegabytes}m tmpfs ${this.directory} && `;
    const child = Bun.spawn(
      [...apart, "sh", "-c", `${mount}${limit}exec sh "$0" "$@"`, COMMAND, ...parameters],
      {
        env: { ...process.env, OVATION_SECRET: SECRET, ...environment },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      },
    );
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      void (async () => {
        for await (const chunk of stream)
          this.output = (this.output + Buffer.from(chunk).toString()).slice(-100_000);
      })();
    }
    const until = Date.now() + START_MS_MAX;
    while (!(await this.isReady())) {
      if (child.exitCode !== null || Date.now() > until)
        throw new Error(`the server did not start: ${this.output}`);
      await Bun.sleep(50);
    }
  }

  async isReady(): Promise<boolean> {
    try {
      return (await this.get("/readyz")).ok;
    } catch {
      // Not listening yet, or not any more.
      return false;
    }
  }

  get(path: string, init: BunFetchRequestInit = {}): Promise<Response> {
    return fetch(this.url + path, {
      ...init,
      tls: { rejectUnauthorized: false },
      keepalive: false,
    });
  }

  /** Answers the `seq` of each event; undefined for live ones. */
  async publish(events: readonly PublishedEvent[]): Promise<readonly (number | undefined)[]> {
    const response = await this.get("/v1/publish", {
      method: "POST",
      headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
      body: JSON.stringify(events),
    });
    if (!response.ok) throw new Error(`publish: ${response.status} ${await response.text()}`);
    const { seqs } = (await response.json()) as { seqs?: (number | null)[] };
    return events.map((_, index) => seqs?.[index] ?? undefined);
  }

  /** The sum over the metric's values with these labels; 0 where there is none. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const text = await (await this.get("/metrics")).text();
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

  /** SIGKILL: no goodbye. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#child?.exited;
  }

  /** SIGTERM; answers the exit code. */
  async end(): Promise<number> {
    this.signal("SIGTERM");
    return (await this.#child?.exited) ?? 0;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function token(
  claims: { readonly sub: string; readonly publish?: string[]; readonly subscribe?: string[] },
  ttlSeconds = 3600,
): Promise<string> {
  return signToken(SECRET, { ...claims, name: claims.sub }, ttlSeconds);
}

/** A certificate of our own for localhost; `openssl` writes it. */
export function makeCertificate(directory: string): {
  readonly cert: string;
  readonly key: string;
} {
  const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const subject = [
    "-subj",
    "/CN=localhost",
    "-addext",
    "subjectAltName=DNS:localhost,IP:127.0.0.1",
  ];
  const keys = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  // Browsers take no certificate for QUIC that lasts longer than two weeks.
  const made = Bun.spawnSync([
    "openssl",
    "req",
    "-x509",
    ...keys,
    "-keyout",
    key,
    "-out",
    cert,
    "-days",
    "10",
    ...subject,
  ]);
  if (!made.success) throw new Error(made.stderr.toString());
  return { cert, key };
}
