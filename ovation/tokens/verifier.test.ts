import { describe, expect, test } from "bun:test";
import { Cache, type Clock, type Identity, Problem, TOKEN_CHARACTERS_MAX } from "@ovation/protocol";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { signToken } from "./signer.ts";
import { createVerifier, TOKEN_CACHE_LIMITS, type Verifier } from "./verifier.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const NOW = 1_800_000_000_000;

function fixedClock(): Clock {
  return { now: () => NOW, after: () => () => undefined };
}

function movingClock(): Clock & { at: number } {
  const clock = { at: NOW, now: () => clock.at, after: () => () => undefined };
  return clock;
}

async function codeOf(verifier: Verifier, token: string): Promise<string> {
  try {
    await verifier.verify(token);
    return "ok";
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    // Whatever is said of a token, the token is not in it.
    const said = JSON.stringify(error.toBody()) + String(error.stack);
    for (const part of token.split(".")) if (part.length > 8) expect(said).not.toContain(part);
    return error.code;
  }
}

function unsigned(header: object, claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part(header)}.${part(claims)}.`;
}

describe("HS256", () => {
  test("TOKEN_CHARACTERS_MAX is the longest token that is taken", async () => {
    const verifier = await createVerifier({ secrets: [SECRET], clock: fixedClock() });
    /** Of so many characters or a few more: base64 has no text of every length. */
    const tokenOf = async (characters: number) => {
      for (let pad = Math.floor(characters * 0.7); ; pad++) {
        const claims = { sub: "alice", pad: "x".repeat(pad) };
        const token = await signToken(SECRET, claims, 60, { now: NOW });
        if (token.length >= characters) return token;
      }
    };
    const longest = await tokenOf(TOKEN_CHARACTERS_MAX - 2);
    expect(longest.length).toBeLessThanOrEqual(TOKEN_CHARACTERS_MAX);
    expect(await codeOf(verifier, longest)).toBe("ok");
    const longer = await tokenOf(TOKEN_CHARACTERS_MAX + 1);
    expect(longer.length).toBeLessThan(TOKEN_CHARACTERS_MAX + 4);
    expect(await codeOf(verifier, longer)).toBe("token-invalid");
  });

  test("what was signed comes back as an identity", async () => {
    const verifier = await createVerifier({ secrets: [SECRET], clock: fixedClock() });
    const token = await signToken(
      SECRET,
      {
        sub: "alice",
        name: "Alice",
        avatar: "https://example.org/a.png",
        role: "moderator",
        roles: { "42": "host" },
        subscribe: ["member:alice"],
        publish: ["video:*"],
      },
      60,
      { now: NOW },
    );
    expect(await verifier.verify(token)).toEqual({
      sub: "alice",
      name: "Alice",
      avatar: "https://example.org/a.png",
      role: "moderator",
      videoRoles: { "42": "host" },
      subscribe: ["member:alice"],
      publish: ["video:*"],
      expiresAt: NOW + 60_000,
    });
  });

  test("a token expires, also a cached one, and the clocks may differ a little", async () => {
    const clock = movingClock();
    const verifier = await createVerifier({ secrets: [SECRET], clock, clockToleranceS: 10 });
    const token = await signToken(SECRET, { sub: "alice" }, 60, { now: NOW });
    expect(await codeOf(verifier, token)).toBe("ok");
    clock.at = NOW + 65_000;
    expect(await codeOf(verifier, token)).toBe("ok");
    clock.at = NOW + 71_000;
    expect(await codeOf(verifier, token)).toBe("token-expired");
    const unseen = await createVerifier({ secrets: [SECRET], clock, clockToleranceS: 10 });
    expect(await codeOf(unseen, token)).toBe("token-expired");
  });

  test("secrets are rotated: both count while both are there", async () => {
    const old = await signToken("an-old-secret-an-old-secret-an-old-secret", { sub: "alice" }, 60, {
      now: NOW,
    });
    const verifier = await createVerifier({
      secrets: [SECRET, "an-old-secret-an-old-secret-an-old-secret"],
      clock: fixedClock(),
    });
    expect(await codeOf(verifier, old)).toBe("ok");
    expect(
      await codeOf(verifier, await signToken(SECRET, { sub: "alice" }, 60, { now: NOW })),
    ).toBe("ok");
    expect(
      await codeOf(await createVerifier({ secrets: [SECRET], clock: fixedClock() }), old),
    ).toBe("token-invalid");
    const accepted = await createVerifier({
      secrets: [SECRET],
      acceptedSecrets: ["an-old-secret-an-old-secret-an-old-secret"],
      clock: fixedClock(),
    });
    expect(await codeOf(accepted, old)).toBe("ok");
  });
});

describe("attempts", () => {
  test("no algorithm, a wrong signature, a later start, another issuer: refused", async () => {
    const clock = fixedClock();
    const verifier = await createVerifier({
      secrets: [SECRET],
      clock,
      issuer: "https://login.example",
      audience: "ovation",
    });
    const key = new TextEncoder().encode(SECRET);
    const base = () =>
      new SignJWT({ sub: "alice" })
        .setProtectedHeader({ alg: "HS256" })
        .setExpirationTime(NOW / 1000 + 60);
    const good = await base().setIssuer("https://login.example").setAudience("ovation").sign(key);
    expect(await codeOf(verifier, good)).toBe("ok");
    const attempts: Record<string, string> = {
      none: unsigned(
        { alg: "none" },
        { sub: "alice", iss: "https://login.example", aud: "ovation" },
      ),
      None: unsigned({ alg: "None" }, { sub: "alice" }),
      "no alg": unsigned({}, { sub: "alice" }),
      "cut off": good.slice(0, -4),
      "other payload": [
        good.split(".")[0],
        Buffer.from('{"sub":"bob"}').toString("base64url"),
        good.split(".")[2],
      ].join("."),
      "wrong issuer": await base()
        .setIssuer("https://evil.example")
        .setAudience("ovation")
        .sign(key),
      "wrong audience": await base()
        .setIssuer("https://login.example")
        .setAudience("other")
        .sign(key),
      "no audience": await base().setIssuer("https://login.example").sign(key),
      "not yet": await base()
        .setIssuer("https://login.example")
        .setAudience("ovation")
        .setNotBefore(NOW / 1000 + 120)
        .sign(key),
      "critical extension": [
        Buffer.from('{"alg":"HS256","crit":["x"],"x":1}').toString("base64url"),
        ...good.split(".").slice(1),
      ].join("."),
      huge: `${"a".repeat(9_000)}.b.c`,
      empty: "..",
      text: "hello",
      encrypted: "a.b.c.d.e",
    };
    for (const [name, token] of Object.entries(attempts))
      expect([name, await codeOf(verifier, token)]).toEqual([name, "token-invalid"]);
  });

  test("a public key is never a secret: algorithm confusion finds no key", async () => {
    const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
    const pem = await exportSPKI(publicKey);
    const verifier = await createVerifier({ publicKeys: [pem], clock: fixedClock() });
    const claims = () => new SignJWT({ sub: "alice" }).setExpirationTime(NOW / 1000 + 60);
    expect(
      await codeOf(verifier, await claims().setProtectedHeader({ alg: "RS256" }).sign(privateKey)),
    ).toBe("ok");
    for (const secret of [pem, pem.trim(), `${pem}\n`]) {
      const forged = await claims()
        .setProtectedHeader({ alg: "HS256" })
        .sign(new TextEncoder().encode(secret));
      expect(await codeOf(verifier, forged)).toBe("token-invalid");
    }
  });

  test("a token without an id of our form is refused, by the claim, not by its value", async () => {
    const verifier = await createVerifier({ secrets: [SECRET], clock: fixedClock() });
    const key = new TextEncoder().encode(SECRET);
    for (const claims of [
      {},
      { sub: "" },
      { sub: null },
      { sub: "a b" },
      { sub: " publish" },
      { sub: "a\nb" },
      { sub: "a\0" },
      { sub: "a\ud800" },
      { sub: "a:b" },
      { sub: "аlice" },
      { sub: "*" },
      { sub: "." },
      { sub: ".." },
      { sub: "a".repeat(129) },
      { sub: 7 },
      { sub: ["a"] },
      // Ids of guests are for tokens that say so.
      { sub: "guest-EEyn0" },
      { sub: "guest-EEyn0", role: "member" },
      { sub: "guest-EEyn0", role: "host" },
      { sub: "guest-EEyn0", role: ["guest"] },
    ]) {
      const token = await new SignJWT(claims as Record<string, unknown>)
        .setProtectedHeader({ alg: "HS256" })
        .sign(key);
      expect([claims, await codeOf(verifier, token)]).toEqual([claims, "token-invalid"]);
    }
  });

  test("a name is shown without what deceives, cut to a length, and never empty", async () => {
    const verifier = await createVerifier({ secrets: [SECRET], clock: fixedClock() });
    const nameOf = async (name: string) =>
      (await verifier.verify(await signToken(SECRET, { sub: "alice", name }, 60, { now: NOW })))
        .name;
    expect(await nameOf(" Ali\u202ece\n\tB ")).toBe("Ali ce B");
    expect(await nameOf("\u200b")).toBe("alice");
    expect([...(await nameOf("👋".repeat(100)))]).toHaveLength(64);
  });
});

describe("issuers", () => {
  test("ES256 and EdDSA by PEM, each key for its own algorithm", async () => {
    const pairs = await Promise.all(
      (["ES256", "EdDSA"] as const).map((alg) => generateKeyPair(alg, { extractable: true })),
    );
    const verifier = await createVerifier({
      publicKeys: await Promise.all(pairs.map(({ publicKey }) => exportSPKI(publicKey))),
      clock: fixedClock(),
    });
    for (const [index, alg] of (["ES256", "EdDSA"] as const).entries()) {
      const token = await new SignJWT({ sub: "alice" })
        .setProtectedHeader({ alg })
        .sign(pairs[index]?.privateKey as CryptoKey);
      expect([alg, await codeOf(verifier, token)]).toEqual([alg, "ok"]);
    }
  });

  test("published keys are fetched once and rotated; unknown ids fetch nothing", async () => {
    const first = await generateKeyPair("RS256", { extractable: true });
    const second = await generateKeyPair("RS256", { extractable: true });
    let fetches = 0;
    let down = false;
    const keys = [{ ...(await exportJWK(first.publicKey)), kid: "one", alg: "RS256", use: "sig" }];
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch() {
        fetches++;
        return down ? new Response("no", { status: 500 }) : Response.json({ keys });
      },
    });
    try {
      const verifier = await createVerifier({
        jwksUrl: `http://127.0.0.1:${server.port}/jwks`,
        clock: fixedClock(),
      });
      const sign = (kid: string, key: CryptoKey, sub: string) =>
        new SignJWT({ sub }).setProtectedHeader({ alg: "RS256", kid }).sign(key);
      down = true;
      expect(await codeOf(verifier, await sign("one", first.privateKey, "alice"))).toBe(
        "unavailable",
      );
      down = false;
      expect(await codeOf(verifier, await sign("one", first.privateKey, "alice"))).toBe("ok");
      for (let index = 0; index < 20; index++)
        expect(await codeOf(verifier, await sign(`x${index}`, second.privateKey, "eve"))).toBe(
          "token-invalid",
        );
      expect(await codeOf(verifier, await sign("one", second.privateKey, "eve"))).toBe(
        "token-invalid",
      );
      expect(fetches).toBeLessThanOrEqual(3);
    } finally {
      await server.stop(true);
    }
  });
});

describe("requests", () => {
  test("the header wins, an empty parameter is no token, another scheme is refused", async () => {
    const verifier = await createVerifier({ secrets: [SECRET] });
    const token = await signToken(SECRET, { sub: "alice" }, 60);
    const ask = async (url: string, headers: Record<string, string> = {}) =>
      (await verifier.authenticate(new Request(url, { headers })))?.sub;
    expect(await ask("http://x/")).toBeUndefined();
    expect(await ask("http://x/?access_token=")).toBeUndefined();
    expect(await ask(`http://x/?access_token=${token}`)).toBe("alice");
    expect(await ask("http://x/?access_token=bad", { authorization: `bearer ${token}` })).toBe(
      "alice",
    );
    expect(ask("http://x/", { authorization: "Basic YTpi" })).rejects.toThrow(Problem);
  });

  test("without any key nothing starts, and what is no key is said", async () => {
    expect(createVerifier({})).rejects.toThrow(TypeError);
    expect(createVerifier({ publicKeys: ["nonsense"] })).rejects.toThrow(TypeError);
    expect(createVerifier({ secrets: [""] })).rejects.toThrow(TypeError);
  });
});

describe("the cache of verified tokens", () => {
  const identity = { sub: "alice" } as Identity;
  const { ageMs, entriesMax, weightMax } = TOKEN_CACHE_LIMITS;

  test("a token is verified once within its age, and again after that", async () => {
    const clock = movingClock();
    const verifier = await createVerifier({ secrets: [SECRET], clock });
    const token = await signToken(SECRET, { sub: "alice" }, 3_600, { now: NOW });
    const first = await verifier.verify(token);
    clock.at += ageMs - 1;
    expect(await verifier.verify(token)).toBe(first);
    clock.at++;
    const again = await verifier.verify(token);
    expect(again).not.toBe(first);
    expect(again).toEqual(first);
  });

  test("one token over the number evicts the oldest", () => {
    const cache = new Cache<Identity>(movingClock(), TOKEN_CACHE_LIMITS);
    for (let index = 0; index < entriesMax; index++) cache.set(`t${index}`, identity, 1);
    expect(cache.get("t0")).toBe(identity);
    cache.set("one more", identity, 1);
    expect([cache.get("t0"), cache.get("t1")]).toEqual([undefined, identity]);
  });

  test("one character over the weight evicts the oldest", () => {
    const cache = new Cache<Identity>(movingClock(), TOKEN_CACHE_LIMITS);
    for (let index = 0; index < 4; index++) cache.set(`t${index}`, identity, weightMax / 4);
    expect(cache.get("t0")).toBe(identity);
    cache.set("x", identity, 1);
    expect([cache.get("t0"), cache.get("t1")]).toEqual([undefined, identity]);
  });
});
