/** Anything at all, sent to the public API of a running server: never a 5xx, and it stays up. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { PROBLEMS } from "@ovation/protocol";
import fc from "fast-check";
import { signToken } from "../ovation/tokens/signer.ts";
import { Server } from "../testing/server.ts";
import { arbitraryRequest } from "./testing/arbitrary-requests.ts";

const TIME_MS = 4_000;
const SECRET = "a secret of the fuzz run, long enough";
let server: Server;
let tokens: readonly (string | undefined)[];

beforeAll(async () => {
  const options = [
    "--secret",
    SECRET,
    "--rate-limits",
    "off",
    "--log-level",
    "warn",
    "--policy",
    "{directory}/policy.yaml",
  ];
  server = await Server.start({ flags: options, files: { "policy.yaml": "messages: anyone\n" } });
  const claims = [
    { sub: "ana" },
    { sub: "ben", publish: ["video:*"] },
    { sub: "hana", role: "host" },
    { sub: "mona", role: "moderator" },
    { sub: "guest-1", role: "guest" },
    { sub: "root", subscribe: ["*"], publish: ["*"] },
  ] as const;
  tokens = [
    undefined,
    "not.a.token",
    ...(await Promise.all(claims.map((each) => signToken(SECRET, each, 600)))),
  ];
}, 60_000);
afterAll(() => server.stop());

test("no request is answered with a 5xx", async () => {
  const codes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(arbitraryRequest, fc.nat(7), async ({ method, path, body }, who) => {
      const token = tokens[who];
      const response = await fetch(`${server.url}${path}`, {
        method,
        headers:
          token === undefined
            ? {}
            : { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: body as BodyInit }),
      });
      if (response.headers.get("content-type")?.startsWith("text/event-stream") === true) {
        await response.body?.cancel();
        return;
      }
      const answer = await response.text();
      expect(response.status).toBeLessThan(500);
      if (response.headers.get("content-type") !== "application/problem+json") return;
      const { code } = JSON.parse(answer) as { code: string };
      expect(Object.keys(PROBLEMS)).toContain(code);
      codes.add(code);
    }),
    { numRuns: 100_000, interruptAfterTimeLimit: TIME_MS, markInterruptAsFailure: false },
  );
  // The requests reached far enough in to be refused for many reasons.
  expect(codes.size).toBeGreaterThan(8);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect(server.output).not.toContain("a handler failed");
}, 60_000);
