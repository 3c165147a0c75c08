/**
 * One address that takes every socket of a real process, in each of the ways in which the server waits
 * for a client: newcomers from other addresses get in, and the viewers that are there go on.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { rawRequest } from "./testing/raw-request.ts";
import { Server, until } from "./testing/server.ts";
import { Viewer } from "./testing/viewer.ts";

const FILES_MAX = 400;
const SOCKETS = 500;
const PATH = "/v1/events?topic=video:crowded";
const BODY = '{"name":"Ana"}';

let server: Server;
let viewers: readonly Viewer[];
let flood: Socket[] = [];

beforeAll(async () => {
  server = await Server.start({ filesMax: FILES_MAX });
  viewers = Array.from(
    { length: 10 },
    (_, index) => new Viewer({ port: server.port, path: PATH, from: `127.0.1.${index + 1}` }),
  );
  await until(() => viewers.every((viewer) => viewer.isConnected), "the viewers are connected");
}, 60_000);
afterAll(async () => {
  for (const viewer of viewers) viewer.close();
  await server.stop();
});

/** Sockets of one address that say `bytes` and read nothing. */
async function attack(bytes: string, from: string): Promise<void> {
  flood = Array.from({ length: SOCKETS }, () => {
    const socket = connect({ port: server.port, host: "127.0.0.1", localAddress: from });
    socket.on("error", () => {});
    socket.pause();
    socket.on("connect", () => socket.write(bytes));
    return socket;
  });
  await Bun.sleep(1000);
}

async function release(): Promise<void> {
  for (const socket of flood) socket.destroy();
  flood = [];
  await until(
    async () => (await server.metric("process_open_fds")) < FILES_MAX / 2,
    "the files are free",
    20_000,
  );
}

const head = (line: string, ...lines: string[]) =>
  `${[`${line} HTTP/1.1`, "Host: x", ...lines].join("\r\n")}\r\n`;
const attacks: readonly (readonly [what: string, bytes: string])[] = [
  ["say nothing", ""],
  ["never end their head", head("GET /", "X: a")],
  ["keep their connection after an answer", `${head("GET /healthz")}\r\n`],
  ["never end a body of a known length", `${head("POST /v1/guests", "Content-Length: 100")}\r\n{`],
  [
    "never end a body in chunks",
    `${head("POST /v1/guests", "Transfer-Encoding: chunked")}\r\n1\r\n{\r\n`,
  ],
  [
    "never end a body behind other requests",
    `${head("GET /healthz")}\r\n`.repeat(5) +
      `${head("POST /v1/guests", "Content-Length: 100")}\r\n{`,
  ],
  [
    "wait for 100 Continue",
    `${head("POST /v1/guests", "Content-Length: 9", "Expect: 100-continue")}\r\n`,
  ],
  ["do not read their answers", `${head("GET /live-comments.js")}\r\n`.repeat(2000)],
  ["are viewers, and read nothing", `${head(`GET ${PATH}`)}\r\n`],
];

describe("sockets of one address, more than there are files, that", () => {
  for (const [index, [what, bytes]] of attacks.entries()) {
    test(`${what}: newcomers get in, and no viewer is cut`, async () => {
      await attack(bytes, `127.0.2.${index + 1}`);
      for (let probe = 0; probe < 5; probe++) {
        const from = `127.0.3.${probe + 1}`;
        const viewer = new Viewer({ port: server.port, path: PATH, from });
        await until(() => viewer.isConnected, "a newcomer watches", 3000);
        const made = await rawRequest({
          port: server.port,
          from,
          bytes: `${head("POST /v1/guests", `Content-Length: ${BODY.length}`)}\r\n${BODY}`,
          enough: (text) => text.includes("token"),
          withinMs: 3000,
        });
        expect(made.statuses).toEqual([201]);
        viewer.close();
      }
      expect(viewers.flatMap((viewer) => [...viewer.gone])).toEqual([]);
      await release();
    }, 60_000);
  }

  test("nothing but viewers was lost in all of it: no handler failed, and the process is ready", async () => {
    expect(server.output).not.toContain("a handler failed");
    expect(server.output).not.toContain("outside its handler");
    expect(await server.isReady()).toBe(true);
    expect(await server.metric("ovation_http_cuts_total", { reason: "crowded" })).toBeGreaterThan(
      SOCKETS,
    );
  });
});
