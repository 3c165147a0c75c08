/**
 * A request that is refused while its body still comes has one answer, and then the connection
 * ends.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server } from "../../testing/server.ts";

const PIPELINED = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
const WITHIN_MS = 8000;

const directory = mkdtempSync(join(tmpdir(), "ovation-one-answer-"));
let server: Server;
beforeAll(async () => {
  const policy = join(directory, "policy.yaml");
  writeFileSync(policy, "limits:\n  likesPerAddress: { burst: 1, perSeconds: 3600 }\n");
  server = await Server.start({ flags: ["--policy", policy] });
}, 60_000);
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

/**
 * Sends the first part, and each next one when the answer has begun, also after the server's end;
 * answers all statuses. `reset`: the server did not end cleanly.
 */
function exchange(first: string, ...later: readonly string[]) {
  return new Promise<{
    statuses: readonly number[];
    text: string;
    closed: boolean;
    reset: boolean;
  }>((resolve) => {
    const options = { port: server.port, host: "127.0.0.1", allowHalfOpen: true };
    const socket = connect(options, () => socket.write(first));
    const pending = [...later];
    let text = "";
    let [closed, reset] = [false, false];
    const overdue = setTimeout(done, WITHIN_MS);
    function done(): void {
      clearTimeout(overdue);
      clearInterval(sending);
      socket.destroy();
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, code]) => Number(code));
      resolve({ statuses, text, closed, reset });
    }
    const sending = setInterval(() => {
      if (text === "") return;
      const next = pending.shift();
      if (next !== undefined) socket.write(next);
      else if (closed) done();
    }, 20);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    socket.on("end", () => {
      closed = true;
    });
    socket.on("error", () => {
      reset = true;
    });
    socket.on("close", () => {
      closed = true;
      done();
    });
  });
}

const refusals: readonly (readonly [status: number, line: string])[] = [
  [400, "POST /v1/videos/a%0d/comments"],
  [401, "POST /v1/publish"],
  [401, "POST /v1/videos/a/comments"],
  [404, "POST /v1/nothing"],
  [405, "PUT /v1/guests"],
  [405, "POST /v1/events"],
];
const chunk = (bytes: number) => `${bytes.toString(16)}\r\n${"a".repeat(bytes)}\r\n`;

describe("one response, then the end, for a request refused during its body:", () => {
  for (const [status, line] of refusals) {
    for (const version of ["1.0", "1.1"]) {
      test(`${status} to ${line} HTTP/${version}, by length`, async () => {
        const head = `${line} HTTP/${version}\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{`;
        const answer = await exchange(head, "a".repeat(2000), "a".repeat(2999) + PIPELINED);
        expect({ statuses: answer.statuses, closed: answer.closed }).toEqual({
          statuses: [status],
          closed: true,
        });
        expect(answer.text.toLowerCase()).toContain("connection: close");
      });
    }
    test(`${status} to ${line}, in chunks, also malformed or too many`, async () => {
      const head = `${line} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;
      for (const later of [
        [chunk(2000), `0\r\n\r\n${PIPELINED}`],
        ["zz\r\nnot chunks\r\n", PIPELINED],
        [chunk(3_000_000), chunk(3_000_000), PIPELINED],
      ]) {
        const answer = await exchange(head + chunk(1), ...later);
        expect({ statuses: answer.statuses, closed: answer.closed }).toEqual({
          statuses: [status],
          closed: true,
        });
      }
    });
  }

  test("413 to a chunked body that is too long, with more bytes and requests behind", async () => {
    for (const line of ["POST /v1/guests", "POST /v1/videos/a/comments/1/reports"]) {
      const head = `${line} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const answer = await exchange(
        head + chunk(5000),
        chunk(5000),
        `${chunk(10)}0\r\n\r\n${PIPELINED}`,
      );
      expect(answer.statuses.length).toBe(1);
      expect(answer.closed).toBe(true);
      if (line === "POST /v1/guests") expect(answer.statuses).toEqual([413]);
    }
  });

  test("413 to a length that is too long, also with Expect: 100-continue", async () => {
    for (const more of ["", "Expect: 100-continue\r\n"]) {
      const head = `POST /v1/guests HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n${more}\r\n`;
      const answer = await exchange(head, "a".repeat(5000), PIPELINED);
      expect({ statuses: answer.statuses, closed: answer.closed }).toEqual({
        statuses: [413],
        closed: true,
      });
    }
  });

  test("429 where the limit is reached", async () => {
    const like = { method: "POST", body: '{"kind":"like","count":1}' };
    await server.get("/v1/videos/a/likes", like);
    expect((await server.get("/v1/videos/a/likes", like)).status).toBe(429);
    const head = "POST /v1/videos/a/likes HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
    const answer = await exchange(head, "a".repeat(99) + PIPELINED);
    expect(answer.statuses.length).toBeLessThanOrEqual(1);
  });

  test("a refusal is read by a client that still sends for seconds", async () => {
    const head = "POST /v1/nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    const answer = await exchange(head, ...Array<string>(100).fill(chunk(10_000)));
    expect({ statuses: answer.statuses, reset: answer.reset }).toEqual({
      statuses: [404],
      reset: false,
    });
    expect(answer.text).toContain('"not-found"');
  });

  test("a request whose body is whole leaves the connection to the next one", async () => {
    const post = "POST /v1/nothing HTTP/1.1\r\nHost: x\r\n";
    const last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const byLength = await exchange(`${post}Content-Length: 3\r\n\r\nabc${last}`);
    const inChunks = await exchange(
      `${post}Transfer-Encoding: chunked\r\n\r\n${chunk(3)}0\r\n\r\n${last}`,
    );
    expect([byLength.statuses, inChunks.statuses]).toEqual([
      [404, 200],
      [404, 200],
    ]);
  });
});
