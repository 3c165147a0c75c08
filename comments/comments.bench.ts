/**
 * Comments posted one per request by 64 clients, each waiting for its answer: HTTP, token, checks,
 * SQLite with fsync, publish, answer. The clients are another process with raw sockets.
 *
 *   sh ovation/bin/bun comments/comments.bench.ts [--clients 64] [--seconds 8]
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openSqliteLog } from "@ovation/log";
import { DEFAULT_POLICY, systemClock } from "@ovation/protocol";
import { Registry } from "prom-client";
import { signToken } from "../ovation/tokens/signer.ts";
import { createVerifier } from "../ovation/tokens/verifier.ts";
import { createComments } from "./comments.ts";
import { createMemoryRateLimiter } from "./rates/rate-limiter-memory.ts";
import { serveRoutes } from "./testing/serve-routes.ts";
import { openSqliteVideoStore } from "./videos/video-store-sql.ts";

const SECRET = "a secret of the benchmark, long enough";
const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "64" },
    seconds: { type: "string", default: "8" },
    /** Set by the benchmark itself: this process is the clients. */
    port: { type: "string" },
  },
});
const clients = Number(values.clients);
const seconds = Number(values.seconds);

if (values.port === undefined) await serve();
else await post(Number(values.port));

async function serve(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "ovation-bench-"));
  const log = await openSqliteLog({ path: join(directory, "log.sqlite") });
  const store = openSqliteVideoStore({ path: join(directory, "videos.sqlite") });
  const { authenticate } = await createVerifier({ secrets: [SECRET] });
  let published = 0;
  let calls = 0;
  const comments = createComments({
    log,
    store,
    async publish(events) {
      published += events.length;
      calls++;
    },
    viewers: async () => new Map(),
    authenticate,
    policy: DEFAULT_POLICY,
    clock: systemClock,
    limiter: createMemoryRateLimiter({ clock: systemClock }),
    rateRules: {
      commentsPerMember: { burst: 1e9, perMs: 1_000 },
      commentsPerAddress: { burst: 1e9, perMs: 1_000 },
    },
    videos: "any",
    guests: undefined,
    registry: new Registry(),
  });
  const server = serveRoutes(comments.routes);
  const cpuBefore = process.cpuUsage();
  const client = Bun.spawn(
    [
      process.execPath,
      import.meta.path,
      "--port",
      new URL(server.url).port,
      "--clients",
      values.clients,
      "--seconds",
      values.seconds,
    ],
    {
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  const result = JSON.parse(await new Response(client.stdout).text()) as {
    answers: number;
    refused: number;
    ms: number;
    p50: number;
    p99: number;
  };
  const cpu = process.cpuUsage(cpuBefore);
  await server.stop();
  await comments.close();
  const [head] = await log.heads(["video:bench" as never]);
  await store.close();
  await log.close();
  rmSync(directory, { recursive: true, force: true });
  const perSecond = Math.round((result.answers / result.ms) * 1_000);
  console.log(
    `${clients} clients, ${(result.ms / 1_000).toFixed(1)} s: ${perSecond} comments/s, ` +
      `p50 ${result.p50.toFixed(1)} ms, p99 ${result.p99.toFixed(1)} ms; ` +
      `${((cpu.user + cpu.system) / result.answers).toFixed(1)} µs of CPU per comment ` +
      "in the server (log's worker included); " +
      `${result.refused} refused; head ${head?.seq}, published ${published} in ${calls} calls`,
  );
}

/**
 * Each client has a connection and one request in flight. Reads no more of an answer than its
 * status and length.
 */
async function post(port: number): Promise<void> {
  const delays: number[] = [];
  let refused = 0;
  const endAt = performance.now() + seconds * 1_000;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async (_, index) => {
      const token = await signToken(
        SECRET,
        { sub: `member-${index}`, name: `Member ${index}` },
        600,
      );
      const { promise, resolve } = Promise.withResolvers<void>();
      let sentAt = 0;
      let count = 0;
      function request(): string {
        const body = JSON.stringify({
          text: `Comment ${count} of client ${index}, as long as most are`,
          clientId: `${index}-${count++}`,
        });
        sentAt = performance.now();
        return [
          "POST /v1/videos/bench/comments HTTP/1.1",
          "Host: bench",
          `Authorization: Bearer ${token}`,
          "Content-Type: application/json",
          `Content-Length: ${body.length}`,
          "",
          body,
        ].join("\r\n");
      }
      let rest = "";
      await Bun.connect({
        hostname: "127.0.0.1",
        port,
        socket: {
          open(socket) {
            socket.write(request());
          },
          data(socket, chunk) {
            rest += chunk.toString("latin1");
            const headEnd = rest.indexOf("\r\n\r\n");
            if (headEnd < 0) return;
            const length = Number(/content-length: ([0-9]+)/i.exec(rest)?.[1] ?? 0);
            if (rest.length < headEnd + 4 + length) return;
            if (!rest.startsWith("HTTP/1.1 201")) refused++;
            rest = "";
            const now = performance.now();
            delays.push(now - sentAt);
            if (now < endAt) socket.write(request());
            else socket.end();
          },
          close: () => resolve(),
        },
      });
      await promise;
    }),
  );
  delays.sort((a, b) => a - b);
  const at = (share: number) =>
    delays[Math.min(delays.length - 1, Math.floor(delays.length * share))];
  console.log(
    JSON.stringify({
      answers: delays.length,
      refused,
      ms: performance.now() - startedAt,
      p50: at(0.5),
      p99: at(0.99),
    }),
  );
}
