/**
 * The ways by which a client reaches the server: directly, with a certificate, and behind proxies.
 */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeCertificate } from "../../testing/certificate.ts";
import { freePort } from "../../testing/free-port.ts";
import { Server } from "../../testing/server.ts";

export const WAYS = ["plain", "TLS", "nginx", "HAProxy"] as const;
export type Way = (typeof WAYS)[number];

export interface Reached {
  readonly server: Server;
  /** What the client is given. */
  readonly url: string;
  /** By which it trusts our certificate. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const PROXIES = join(import.meta.dir, "../../deploy/proxy");
const SERVER_PORTS = ["127.0.0.1:8081", "127.0.0.1:8082", "127.0.0.1:8091", "127.0.0.1:8092"];

export async function reach(way: Way, directory: string): Promise<Reached> {
  const tls = way === "TLS" ? makeCertificate(directory) : undefined;
  const server = await Server.start(tls === undefined ? {} : { tls });
  const environment: Record<string, string> = {};
  if (tls !== undefined) {
    for (const name of ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"])
      environment[name] = tls.cert;
    environment["CURL_CA_BUNDLE"] = tls.cert;
  }
  if (way === "plain" || way === "TLS") {
    const url = `${tls === undefined ? "http" : "https"}://localhost:${server.port}`;
    return { server, url, environment, stop: () => server.stop() };
  }
  const proxy = await startProxy(way, directory, server.port);
  return {
    server,
    url: proxy.url,
    environment,
    async stop() {
      proxy.child.kill("SIGTERM");
      await proxy.child.exited;
      await server.stop();
    },
  };
}

/** The files of `deploy/proxy/` as they are, but for ports. */
async function startProxy(way: "nginx" | "HAProxy", directory: string, serverPort: number) {
  const port = await freePort();
  const file = way === "nginx" ? "nginx.conf" : "haproxy.cfg";
  let text = await readFile(join(PROXIES, file), "utf8");
  for (const each of SERVER_PORTS) text = text.replaceAll(each, `127.0.0.1:${serverPort}`);
  const path = join(directory, file);
  if (way === "nginx") {
    text = text
      // Two names of one server are an error there.
      .replace(/(upstream frontends \{[^}]*?)(\s*server [^;]+;)(\s*server [^;]+;)/, "$1$2")
      .replace("listen 8080;", `listen 127.0.0.1:${port};`)
      .replace("pid /run/nginx.pid;", `pid ${join(directory, "nginx.pid")};`)
      .replace("worker_rlimit_nofile 1048576;\n", "")
      .replace("worker_connections 65536;", "worker_connections 512;");
  } else {
    text = text
      .replace("bind :8080", `bind 127.0.0.1:${port}`)
      .replace("maxconn 200000", "maxconn 500");
  }
  await writeFile(path, text);
  const command =
    way === "nginx"
      ? ["nginx", "-p", directory, "-c", path, "-g", "daemon off;"]
      : ["haproxy", "-q", "-db", "-f", path];
  const child = Bun.spawn(command, { stdout: "ignore", stderr: Bun.file(`${path}.log`) });
  const url = `http://127.0.0.1:${port}`;
  for (let attempt = 0; attempt < 200; attempt++) {
    if (
      await fetch(`${url}/v1/videos`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return { child, url };
    await Bun.sleep(50);
  }
  child.kill("SIGKILL");
  throw new Error(`${way} passes no requests`);
}
