/**
 * One address that takes every socket of a real process, in each of the ways in which the server
 * waits for a client: newcomers from other addresses connect, and connected viewers keep their
 * streams.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { Viewer } from "../../testing/viewer.ts";
import { rawRequest } from "./testing/raw-request.ts";

const FILES_MAX = 400;
const SOCKETS = 500;
const PATH = "/v1/events?topic=video:crowded";
const BODY = '{"name":"Ana"}';

interface Attack {
  readonly what: string;
  readonly bytes: string;
  /** Sent again and again. */
  readonly trickle?: string;
  /** Says that it will send no more. */
  readonly halfCloses?: boolean;
  /** Each socket that is ended comes again. */
  readonly returns?: boolean;
  /** Addresses that the sockets come from. Default: 1. */
  readonly addresses?: number;
  /** Each socket says that it forwards for another address. */
  readonly forwards?: boolean;
}

const head = (line: string, ...lines: string[]) =>
  `${[`${line} HTTP/1.1`, "Host: x", ...lines].join("\r\n")}\r\n`;
const guest = (...lines: string[]) => `${head("POST /v1/guests", ...lines)}\r\n`;
const attacks: readonly Attack[] = [
  { what: "say nothing", bytes: "" },
  { what: "say nothing, and come again when they are ended", bytes: "", returns: true },
  { what: "never end their head", bytes: head("GET /", "X: a") },
  { what: "send a byte of their head a second", bytes: head("GET /", "X: a"), trickle: "a" },
  { what: "keep their connection after an answer", bytes: `${head("GET /healthz")}\r\n` },
  { what: "never end a body of a known length", bytes: `${guest("Content-Length: 100")}{` },
  {
    what: "never end a body, and come again when they are ended",
    bytes: `${guest("Content-Length: 100")}{`,
    returns: true,
  },
  {
    what: "send a byte of their body a second",
    bytes: `${guest("Content-Length: 100")}{`,
    trickle: " ",
  },
  {
    what: "never end a body in chunks",
    bytes: `${guest("Transfer-Encoding: chunked")}1\r\n{\r\n`,
  },
  {
    what: "never end a body over HTTP/1.0",
    bytes: "POST /v1/guests HTTP/1.0\r\nContent-Length: 100\r\n\r\n{",
  },
  {
    what: "never end a body behind other requests",
    bytes: `${`${head("GET /healthz")}\r\n`.repeat(5)}${guest("Content-Length: 100")}{`,
  },
  {
    what: "never end a body, from four addresses",
    bytes: `${guest("Content-Length: 100")}{`,
    addresses: 4,
  },
  {
    what: "never end a body, each for another address as a proxy says it",
    bytes: guest("Content-Length: 100", "X-Forwarded-For: ADDRESS"),
    forwards: true,
  },
  { what: "wait for 100 Continue", bytes: guest("Content-Length: 9", "Expect: 100-continue") },
  { what: "do not read their answers", bytes: `${head("GET /live-comments.js")}\r\n`.repeat(2000) },
  {
    what: "do not read their answers, and say that they will send no more",
    bytes: `${head("GET /live-comments.js")}\r\n`.repeat(200),
    halfCloses: true,
  },
  { what: "are refused, and send on", bytes: `${head("GET /", "A B")}\r\n`, trickle: "a" },
  { what: "are viewers, and read nothing", bytes: `${head(`GET ${PATH}`)}\r\n` },
  {
    what: "are viewers, and come again when they are ended",
    bytes: `${head(`GET ${PATH}`)}\r\n`,
    returns: true,
  },
];

let server: Server;
let viewers: readonly Viewer[];
/** Ends the current flood. */
let stopFlood = (): void => {};

beforeAll(async () => {
  server = await Server.start({ descriptorsMax: FILES_MAX });
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

/** Sockets that read nothing. */
async function begin(attack: Attack, number: number): Promise<void> {
  const { bytes, trickle, halfCloses = false, returns = false, addresses = 1 } = attack;
  const sockets = new Set<Socket>();
  let over = false;
  const open = (index: number) => {
    const localAddress = `127.0.${number + 10}.${(index % addresses) + 1}`;
    const socket = connect({ port: server.port, host: "127.0.0.1", localAddress });
    sockets.add(socket);
    socket.on("error", () => {});
    socket.pause();
    socket.on("connect", () => {
      socket.write(bytes.replace("ADDRESS", `203.0.${index >> 8}.${index & 255}`));
      if (halfCloses) socket.end();
    });
    socket.on("close", () => {
      sockets.delete(socket);
      if (returns && !over) setTimeout(() => over || open(index), 50);
    });
  };
  for (let index = 0; index < SOCKETS; index++) open(index);
  const trickling = setInterval(() => {
    if (trickle !== undefined) for (const socket of sockets) socket.write(trickle);
  }, 1000);
  stopFlood = () => {
    over = true;
    clearInterval(trickling);
    for (const socket of sockets) socket.destroy();
  };
  await Bun.sleep(1200);
}

describe("sockets of one address, more than there are files, that", () => {
  for (const [index, attack] of attacks.entries()) {
    test(`${attack.what}: newcomers get in, and no viewer is cut`, async () => {
      await begin(attack, index);
      for (let probe = 0; probe < 5; probe++) {
        const from = `127.0.3.${probe + 1}`;
        const viewer = new Viewer({ port: server.port, path: PATH, from });
        await until(() => viewer.isConnected, "a newcomer watches", 3000);
        const made = await rawRequest({
          port: server.port,
          from,
          bytes: `${guest(`Content-Length: ${BODY.length}`)}${BODY}`,
          enough: (text) => text.includes("token"),
          withinMs: 3000,
        });
        expect(made.statuses).toEqual([201]);
        viewer.close();
      }
      expect(viewers.flatMap((viewer) => [...viewer.gone])).toEqual([]);
      stopFlood();
      await until(
        async () => (await server.metric("process_open_fds")) < FILES_MAX / 2,
        "the files are free",
        20_000,
      );
    }, 60_000);
  }

  test("only their sockets were lost: no handler failed, and the process is ready", async () => {
    expect(server.output).not.toContain("a handler failed");
    expect(server.output).not.toContain("outside its handler");
    expect(await server.isReady()).toBe(true);
    expect(await server.metric("ovation_http_cuts_total", { reason: "crowded" })).toBeGreaterThan(
      SOCKETS,
    );
  });
});
