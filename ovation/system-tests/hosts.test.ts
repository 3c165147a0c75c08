/**
 * Requests that name no host, an empty one or another one: answered like any other, on every form
 * of the listener.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { makeCertificate } from "../../testing/certificate.ts";
import { Server } from "../../testing/server.ts";

const directory = mkdtempSync(join(tmpdir(), "ovation-hosts-"));
afterAll(() => rmSync(directory, { recursive: true }));

const paths: readonly (readonly [path: string, status: number, says: string])[] = [
  ["/", 200, "<html"],
  ["/watch/a", 200, "<html"],
  ["/live-comments.js", 200, "export"],
  ["/v1/videos", 200, '"videos"'],
  ["/v1/videos/a/comments", 200, '"comments"'],
  ["/v1/events?topic=video:a", 200, "connectionId"],
  ["/healthz", 200, ""],
];
const forms: readonly (readonly [what: string, request: (path: string) => string])[] = [
  ["HTTP/1.0 without a Host", (path) => `GET ${path} HTTP/1.0\r\n\r\n`],
  ["HTTP/1.0 with an empty Host", (path) => `GET ${path} HTTP/1.0\r\nHost:\r\n\r\n`],
  ["HTTP/1.0 with a Host", (path) => `GET ${path} HTTP/1.0\r\nHost: x\r\n\r\n`],
  ["HTTP/1.1 with an empty Host", (path) => `GET ${path} HTTP/1.1\r\nHost: \r\n\r\n`],
  ["an absolute target", (path) => `GET http://x${path} HTTP/1.1\r\nHost: x\r\n\r\n`],
  ["an absolute target over HTTP/1.0", (path) => `GET http://x${path} HTTP/1.0\r\n\r\n`],
];
const listeners: readonly (readonly [what: string, flags: readonly string[], tls: boolean])[] = [
  ["one process", [], false],
  ["two workers", ["--workers", "2"], false],
  ["TLS", [], true],
];

for (const [listener, flags, tls] of listeners) {
  describe(`${listener}: answered`, () => {
    let server: Server;
    beforeAll(async () => {
      server = await Server.start({ flags, ...(tls ? { tls: makeCertificate(directory) } : {}) });
    }, 60_000);
    afterAll(() => server.stop());

    for (const [what, request] of forms) {
      // Bun's own listener refuses an empty Host and absolute targets by itself.
      if (tls && !what.startsWith("HTTP/1.0 with")) continue;
      test(`${what}`, async () => {
        for (const [path, status, says] of paths) {
          const text = await ask(server.port, tls, request(path), says);
          expect({ path, line: text.slice(0, 12) }).toEqual({ path, line: `HTTP/1.1 ${status}` });
          expect(text).toContain(says);
        }
      }, 30_000);
    }
  });
}

test("over HTTP/1.1 a request without a Host is refused, as the RFC says", async () => {
  const server = await Server.start();
  const text = await ask(server.port, false, "GET /healthz HTTP/1.1\r\n\r\n", "invalid-request");
  expect(text).toStartWith("HTTP/1.1 400");
  await server.stop();
}, 60_000);

/** What comes until it has `enough`, or the end. */
function ask(port: number, tls: boolean, request: string, enough: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls
      ? connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false })
      : connectPlain({ port, host: "127.0.0.1" });
    const overdue = setTimeout(() => socket.destroy(new Error("no answer in 5 s")), 5000);
    let text = "";
    const done = () => {
      clearTimeout(overdue);
      socket.destroy();
      resolve(text);
    };
    socket.on(tls ? "secureConnect" : "connect", () => socket.write(request));
    socket.on("data", (chunk) => {
      text += chunk.toString("utf8");
      if (text.includes("\r\n\r\n") && text.split("\r\n\r\n").slice(1).join().includes(enough))
        done();
    });
    socket.on("error", reject);
    socket.on("close", done);
  });
}
