/** What somebody might try against a running server, one attempt per test; issue 6, "Bad input". */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { exportSPKI, generateKeyPair, SignJWT } from "jose";
import { readEvents } from "./testing/event-reader.ts";
import { type RunningOvation, startOvation } from "./testing/start-ovation.ts";

const SECRET = "the installation's own secret, long enough";
const ISSUER = "https://login.example";
const POLICY = `
messages: members
trustedProxies: [loopback]
tokens: { issuer: "${ISSUER}", audience: ovation, publicKeys: [login.pem] }
kinds:
  video:
    exceptions: [{ ids: board-*, subscribe: token }]
`;

let server: RunningOvation;
let loginKey: CryptoKey;
let loginPem: string;
/** Every token that was shown to the server: none of them may turn up in its output or an answer. */
const shown: string[] = [];

beforeAll(async () => {
  const pair = await generateKeyPair("RS256", { extractable: true });
  loginKey = pair.privateKey;
  loginPem = await exportSPKI(pair.publicKey);
  server = await startOvation(
    ["--secret", SECRET, "--policy", "{directory}/policy.yaml", "--log-level", "debug"],
    {
      "policy.yaml": POLICY,
      "login.pem": loginPem,
    },
  );
}, 30_000);
afterAll(() => server.stop());

interface TokenOptions {
  readonly claims?: Record<string, unknown>;
  readonly issuer?: string;
  readonly audience?: string;
  readonly expiresIn?: number;
  readonly notBefore?: number;
  readonly algorithm?: string;
  readonly key?: CryptoKey | Uint8Array;
}

/** A token of the site's login, with whatever is wrong with it. */
async function tokenOf(sub: string, options: TokenOptions = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  const jwt = new SignJWT({ sub, ...options.claims })
    .setProtectedHeader({ alg: options.algorithm ?? "RS256" })
    .setIssuer(options.issuer ?? ISSUER)
    .setAudience(options.audience ?? "ovation")
    .setExpirationTime(now + (options.expiresIn ?? 600));
  if (options.notBefore !== undefined) jwt.setNotBefore(now + options.notBefore);
  return remember(await jwt.sign(options.key ?? loginKey));
}

function remember(token: string): string {
  shown.push(token);
  return token;
}

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly code: string;
  readonly body: Record<string, unknown>;
}

async function call(
  method: string,
  path: string,
  token?: string,
  body?: unknown,
  address?: string,
): Promise<Reply> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(address === undefined ? {} : { "x-forwarded-for": address }),
      "content-type": "application/json",
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const parsed = JSON.parse(text) as Record<string, unknown>;
  const claims = token?.split(".")[1] ?? "";
  if (response.status >= 400 && claims.length > 10) expect(text).not.toContain(claims);
  return { status: response.status, text, code: String(parsed.code ?? ""), body: parsed };
}

const codeOf = async (...parameters: Parameters<typeof call>) => {
  const { status, code } = await call(...parameters);
  return [status, code];
};

describe("other members' topics", () => {
  test("by connecting", async () => {
    const alice = await tokenOf("alice");
    expect(await codeOf("GET", "/v1/events?topic=member:bob", alice)).toEqual([403, "forbidden"]);
    expect(await codeOf("GET", "/v1/events?topic=member:bob")).toEqual([401, "token-missing"]);
    expect(await codeOf("GET", "/v1/events?topic=member:alice&topic=member:bob", alice)).toEqual([
      403,
      "forbidden",
    ]);
    expect(await codeOf("GET", "/v1/events?topic=video:board-7", alice)).toEqual([
      403,
      "forbidden",
    ]);
  });

  test("by changing the topics of a connection, also of a leaked one", async () => {
    const [alice, bob] = [await tokenOf("alice"), await tokenOf("bob")];
    const own = await readEvents(`${server.url}/v1/events?topic=video:1`, alice);
    const leaked = await readEvents(`${server.url}/v1/events?topic=video:1`, bob);
    const put = await call(
      "PUT",
      `/v1/connections/${own.connection.connectionId}/subscriptions`,
      alice,
      {
        topics: ["member:bob", "video:board-7"],
      },
    );
    expect(put.body.results).toEqual({
      "member:bob": { ok: false, error: "forbidden" },
      "video:board-7": { ok: false, error: "forbidden" },
    });
    for (const token of [alice, undefined]) {
      for (const method of ["PUT", "DELETE"]) {
        const answer = await call(
          method,
          `/v1/connections/${leaked.connection.connectionId}/subscriptions`,
          token,
          {
            topics: ["video:2"],
          },
        );
        expect([401, 403, 412]).toContain(answer.status);
      }
    }
    own.close();
    leaked.close();
  });

  test("by the position of somebody else's stream", async () => {
    const [alice, bob] = [await tokenOf("alice"), await tokenOf("bob")];
    const bobs = await readEvents(`${server.url}/v1/events?topic=member:bob`, bob);
    expect(
      (
        await call("POST", "/v1/members/bob/messages", await tokenOf("carol"), {
          text: "for bob only",
        })
      ).status,
    ).toBe(201);
    while (!bobs.messages.some(({ type }) => type === "message")) await Bun.sleep(10);
    const position = bobs.messages[0]?.lastEventId ?? "";
    bobs.close();
    const alices = await readEvents(
      `${server.url}/v1/events?topic=member:alice&last_event_id=${encodeURIComponent(position)}`,
      alice,
    );
    await Bun.sleep(200);
    expect(JSON.stringify(alices.messages)).not.toContain("for bob only");
    expect(Object.keys(alices.connection.topics)).toEqual(["member:alice"]);
    alices.close();
  });

  test("by publishing", async () => {
    const alice = await tokenOf("alice");
    for (const topic of ["member:bob", "member:alice", "video:1", "conversation:x"]) {
      const answer = await call("POST", "/v1/publish", alice, { topic, type: "message", data: {} });
      expect([400, 403]).toContain(answer.status);
    }
    const server = await tokenOf("backend", { claims: { publish: ["video:*"] } });
    expect(
      await codeOf("POST", "/v1/publish", server, {
        topic: "member:bob",
        type: "message",
        data: {},
      }),
    ).toEqual([403, "forbidden"]);
  });

  test("by history and receipts", async () => {
    const alice = await tokenOf("alice");
    await call("POST", "/v1/members/bob/messages", await tokenOf("carol"), { text: "between us" });
    for (const other of ["bob", "carol"]) {
      const answer = await call("GET", `/v1/members/${other}/messages`, alice);
      expect([answer.status, answer.body.messages]).toEqual([200, []]);
      expect(await codeOf("POST", `/v1/members/${other}/receipts`, alice, { seen: 1 })).toEqual([
        404,
        "not-found",
      ]);
    }
    expect(await codeOf("GET", "/v1/videos/board-7/comments", alice)).toEqual([403, "forbidden"]);
    expect(await codeOf("GET", "/v1/videos/board-7", alice)).toEqual([403, "forbidden"]);
    expect(await codeOf("POST", "/v1/videos/board-7/comments", alice, { text: "x" })).toEqual([
      403,
      "forbidden",
    ]);
    expect(await codeOf("POST", "/v1/videos/board-7/likes", undefined, {})).toEqual([
      401,
      "token-missing",
    ]);
    expect((await call("GET", "/v1/videos?limit=200", alice)).text).not.toContain("board-7");
  });

  test("by presence and typing", async () => {
    const guest = (await call("POST", "/v1/guests", undefined, { name: "Gus" })).body as {
      token: string;
    };
    remember(guest.token);
    expect(await codeOf("GET", "/v1/members/bob/presence", guest.token)).toEqual([
      403,
      "forbidden",
    ]);
    expect(await codeOf("GET", "/v1/members/bob/presence")).toEqual([401, "token-missing"]);
    expect(await codeOf("POST", "/v1/members/bob/typing", guest.token, {})).toEqual([
      403,
      "forbidden",
    ]);
    const alice = await tokenOf("alice");
    await call("PUT", "/v1/members/alice/block", await tokenOf("dora"));
    expect(await codeOf("GET", "/v1/members/dora/presence", alice)).toEqual([403, "forbidden"]);
  });
});

describe("tokens", () => {
  const ask = (token: string) => codeOf("GET", "/v1/conversations", token);
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: "alice", iss: ISSUER, aud: "ovation", exp: 4_000_000_000 };

  test("the right one is taken", async () => {
    expect((await call("GET", "/v1/conversations", await tokenOf("alice"))).status).toBe(200);
  });

  test("alg: none", async () => {
    for (const alg of ["none", "None", "NONE", ""]) {
      expect(await ask(remember(`${encode({ alg })}.${encode(claims)}.`))).toEqual([
        401,
        "token-invalid",
      ]);
    }
  });

  test("algorithm confusion: the public key as a secret", async () => {
    for (const secret of [loginPem, loginPem.trim()]) {
      const token = await tokenOf("alice", {
        algorithm: "HS256",
        key: new TextEncoder().encode(secret),
      });
      expect(await ask(token)).toEqual([401, "token-invalid"]);
    }
  });

  test("expired, not yet valid, for somebody else, of somebody else", async () => {
    expect(await ask(await tokenOf("alice", { expiresIn: -60 }))).toEqual([401, "token-expired"]);
    expect(await ask(await tokenOf("alice", { notBefore: 300 }))).toEqual([401, "token-invalid"]);
    expect(await ask(await tokenOf("alice", { audience: "other" }))).toEqual([
      401,
      "token-invalid",
    ]);
    expect(await ask(await tokenOf("alice", { issuer: "https://evil.example" }))).toEqual([
      401,
      "token-invalid",
    ]);
  });

  test("an unknown key", async () => {
    const other = await generateKeyPair("RS256");
    expect(await ask(await tokenOf("alice", { key: other.privateKey }))).toEqual([
      401,
      "token-invalid",
    ]);
    expect(
      await ask(
        await tokenOf("alice", { algorithm: "HS256", key: new TextEncoder().encode("a guess") }),
      ),
    ).toEqual([401, "token-invalid"]);
  });

  test("a huge one", async () => {
    expect(await ask(`${"a".repeat(9_000)}.${"b".repeat(100)}.c`)).toEqual([401, "token-invalid"]);
    const stream = await fetch(
      `${server.url}/v1/events?topic=video:1&access_token=${"a".repeat(12_000)}.b.c`,
    );
    expect(stream.status).toBeGreaterThanOrEqual(400);
    expect(stream.status).toBeLessThan(500);
  });

  test("in an address as well as in the header, refused the same way", async () => {
    const expired = await tokenOf("alice", { expiresIn: -60 });
    expect(await codeOf("GET", `/v1/events?topic=member:alice&access_token=${expired}`)).toEqual([
      401,
      "token-expired",
    ]);
  });
});

describe("pattern tricks", () => {
  test("in a token: what is no topic or kind:* is no pattern", async () => {
    for (const pattern of [
      "member:**",
      "mem*",
      "*:bob",
      "member:b*",
      "member:bob\n",
      "MEMBER:bob",
      "mеmber:bob",
      ":",
      ":*",
    ]) {
      const token = await tokenOf("alice", { claims: { subscribe: [pattern] } });
      expect([pattern, ...(await codeOf("GET", "/v1/events?topic=member:bob", token))]).toEqual([
        pattern,
        401,
        "token-invalid",
      ]);
    }
  });

  test("in a topic: wildcards, encoded separators, look-alikes, newlines", async () => {
    const alice = await tokenOf("alice");
    for (const topic of [
      "member:*",
      "*",
      "member%3A*",
      "member:b%6Fb",
      "member:bob%0A",
      "member:%00bob",
      "member:bob%20",
      "mеmber:bob",
      "member:bоb",
      "member::bob",
      "member:",
      ":bob",
      "member:bob%23",
    ]) {
      const answer = await call("GET", `/v1/events?topic=${topic}`, alice);
      expect([topic, [400, 403].includes(answer.status)]).toEqual([topic, true]);
    }
  });

  test("in an id: the path of one member is not another's", async () => {
    const alice = await tokenOf("alice");
    for (const id of ["*", "b%6Fb%0A", "bob%2F..%2Fcarol", "%00", "bоb", "bob%20", "bob%3Aalice"]) {
      const answer = await call("GET", `/v1/members/${id}/messages`, alice);
      expect([id, [400, 404].includes(answer.status)]).toEqual([id, true]);
    }
    expect(await codeOf("POST", "/v1/videos/a%0D%0Ab/comments", alice, { text: "x" })).toEqual([
      400,
      "invalid-id",
    ]);
  });

  test("in a name: a member's sub is not a pattern", async () => {
    for (const sub of ["*", "a:b", "alice\n", "alice ", "аlice", ""]) {
      expect([sub, ...(await codeOf("GET", "/v1/conversations", await tokenOf(sub)))]).toEqual([
        sub,
        401,
        "token-invalid",
      ]);
    }
  });
});

describe("guests", () => {
  test("a guest's token that became a member's is worth nothing, and nobody else can take it", async () => {
    const { token } = (await call("POST", "/v1/guests", undefined, { name: "Gina" })).body as {
      token: string;
    };
    remember(token);
    await call("POST", "/v1/videos/up/comments", token, { text: "as a guest" });
    const [gina, eve] = [await tokenOf("gina"), await tokenOf("eve")];
    expect((await call("POST", "/v1/guests/upgrade", gina, { guestToken: token })).status).toBe(
      200,
    );
    expect((await call("POST", "/v1/guests/upgrade", gina, { guestToken: token })).status).toBe(
      200,
    );
    expect(await codeOf("POST", "/v1/guests/upgrade", eve, { guestToken: token })).toEqual([
      403,
      "forbidden",
    ]);
    expect(await codeOf("POST", "/v1/guests/upgrade", eve, { guestToken: gina })).toEqual([
      403,
      "forbidden",
    ]);
    expect(await codeOf("POST", "/v1/videos/up/comments", token, { text: "again" })).toEqual([
      401,
      "token-invalid",
    ]);
    expect(await codeOf("DELETE", "/v1/videos/up/comments/1", eve)).toEqual([403, "forbidden"]);
    expect((await call("DELETE", "/v1/videos/up/comments/1", gina)).status).toBe(200);
  });
});

describe("floods", () => {
  test("of one member: told when to come back, and nobody else waits", async () => {
    const flooding = await tokenOf("flo");
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        call("POST", "/v1/videos/flood/comments", flooding, { text: `n ${index}` }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.code).toBe("rate-limited");
    expect(refused?.body.retryAfterMs).toBeNumber();
    expect(
      (await call("POST", "/v1/videos/flood/comments", await tokenOf("calm"), { text: "hello" }))
        .status,
    ).toBe(201);
  });

  test("of one address: another one is not held to it", async () => {
    const like = (address: string) =>
      call("POST", "/v1/videos/flood/likes", undefined, {}, address);
    const answers: Reply[] = [];
    for (let round = 0; round < 12; round++)
      answers.push(...(await Promise.all(Array.from({ length: 100 }, () => like("203.0.113.7")))));
    expect(answers.some(({ status }) => status === 429)).toBe(true);
    expect((await like("203.0.113.8")).status).toBe(202);
    expect((await like("203.0.113.7, 203.0.113.9")).status).toBe(202);
  });

  test("of guests: an address gets some hundred, not ten thousand", async () => {
    const ask = () => call("POST", "/v1/guests", undefined, { name: "Flood" }, "203.0.113.50");
    const answers = (
      await Promise.all(
        Array.from({ length: 4 }, async () => Array.fromAsync(Array.from({ length: 100 }, ask))),
      )
    ).flat();
    const made = answers.filter(({ status }) => status === 201);
    expect(made.length).toBeLessThan(300);
    expect(answers.some(({ code }) => code === "rate-limited")).toBe(true);
    // What they may do together is what their address may do.
    const tokens = made.slice(0, 100).map(({ body }) => String(body.token));
    const posts: Reply[] = [];
    for (let round = 0; round < 5; round++) {
      posts.push(
        ...(await Promise.all(
          tokens.map((token) =>
            call(
              "POST",
              "/v1/videos/guests/comments",
              token,
              { text: `r ${round}` },
              "203.0.113.50",
            ),
          ),
        )),
      );
    }
    expect(posts.some(({ status }) => status === 429)).toBe(true);
    expect(
      (
        await call(
          "POST",
          "/v1/videos/guests/comments",
          await tokenOf("calm2"),
          { text: "hello" },
          "203.0.113.51",
        )
      ).status,
    ).toBe(201);
  }, 20_000);
});

test("after all that the server is alive, and no token is in anything it wrote", async () => {
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  const output = server.output();
  const parts = shown
    .flatMap((token) => token.split(".").slice(1))
    .filter((part) => part.length > 10);
  expect(parts.length).toBeGreaterThan(20);
  expect(parts.filter((part) => output.includes(part))).toEqual([]);
  expect(output).not.toContain(SECRET);
});
