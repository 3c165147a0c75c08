/** Attacks with tokens, patterns and ids on a running server, one attempt per test. */

import { describe, expect, test } from "bun:test";
import { generateKeyPair } from "jose";
import { ISSUER, serveAttempts } from "./testing/attempts.ts";

const { url, loginPem, tokenOf, remember, call, codeOf, endWithNoTokenShown } = serveAttempts();

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
    for (const secret of [loginPem(), loginPem().trim()]) {
      const token = await tokenOf("alice", {
        algorithm: "HS256",
        key: new TextEncoder().encode(secret),
      });
      expect(await ask(token)).toEqual([401, "token-invalid"]);
    }
  });

  test("expired, not yet valid, of another audience, of another issuer", async () => {
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
      `${url()}/v1/events?topic=video:1&access_token=${"a".repeat(12_000)}.b.c`,
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
        403,
        "forbidden",
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
    for (const sub of ["alice\n", "alice ", " alice", "аlice", "", ".."]) {
      expect([sub, ...(await codeOf("GET", "/v1/conversations", await tokenOf(sub)))]).toEqual([
        sub,
        401,
        "token-invalid",
      ]);
    }
    // A printable `sub` of an outside issuer is encoded in our alphabet: it equals no other sub.
    for (const sub of ["*", "b*", "bob:", ":bob", "member:bob"]) {
      const token = await tokenOf(sub);
      expect([sub, ...(await codeOf("GET", "/v1/events?topic=member:bob", token))]).toEqual([
        sub,
        403,
        "forbidden",
      ]);
    }
  });
});

endWithNoTokenShown();
