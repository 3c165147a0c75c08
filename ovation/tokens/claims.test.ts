/** What identity providers write into their tokens, and who is who by it. */

import { describe, expect, test } from "bun:test";
import { type Clock, type Identity, Problem } from "@ovation/protocol";
import { exportSPKI, generateKeyPair, SignJWT } from "jose";
import { signToken } from "./signer.ts";
import { createVerifier, type VerifierOptions } from "./verifier.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const NOW = 1_800_000_000_000;
const NOW_S = NOW / 1_000;
const clock: Clock = { now: () => NOW, after: () => () => undefined };
const login = await generateKeyPair("RS256", { extractable: true });
const publicKeys = [await exportSPKI(login.publicKey)];

type Options = Pick<VerifierOptions, "mapping" | "tokenAgeMaxS" | "audience" | "issuer">;

async function setUp(options: Options = {}) {
  const ignored: string[] = [];
  const verifier = await createVerifier({
    secrets: [SECRET],
    publicKeys,
    clock,
    ...options,
    onIgnoredClaim: (claim) => ignored.push(claim),
  });
  const read = async (token: string): Promise<Identity | string> => {
    try {
      return await verifier.verify(token);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return `${error.code}: ${error.message}`;
    }
  };
  return {
    ignored,
    /** Signed by the site's identity provider. */
    outside: async (claims: object) =>
      read(
        await new SignJWT(claims as Record<string, unknown>)
          .setProtectedHeader({ alg: "RS256" })
          .sign(login.privateKey),
      ),
    /** Signed with the installation's own secret. */
    here: async (claims: object) =>
      read(
        await new SignJWT(claims as Record<string, unknown>)
          .setProtectedHeader({ alg: "HS256" })
          .sign(new TextEncoder().encode(SECRET)),
      ),
  };
}

const nobodySpecial = { role: "member", videoRoles: {}, subscribe: [], publish: [] };

describe("claims of another meaning", () => {
  test("count as absent, for any issuer, and are reported once by their names", async () => {
    const { outside, here, ignored } = await setUp();
    for (const read of [outside, here])
      for (const claims of [
        { role: "authenticated" },
        { role: "admin" },
        { role: ["host"] },
        { role: { name: "host" } },
        { role: 7 },
        { roles: ["admin", "host"] },
        { roles: "host" },
        { roles: { "a b": "host", "42": "owner" } },
        { subscribe: "member:bob" },
        { subscribe: ["member:**", "mem*:a", 7] },
        { publish: "*" },
        { publish: ["video:\n"] },
        { publish: Array(201).fill("video:1") },
        { avatar: "/images/me.png" },
        { avatar: "http://example.org/a.png" },
        { avatar: "javascript:alert(1)" },
        { avatar: { url: "https://example.org/a.png" } },
        { avatar: `https://example.org/${"a".repeat(3_000)}` },
        { name: { first: "Alice" } },
        { name: 7 },
      ]) {
        const identity = await read({ sub: "alice", ...claims });
        expect([claims, identity]).toEqual([
          claims,
          { sub: "alice", name: "alice", ...nobodySpecial },
        ] as never);
      }
    expect(ignored.toSorted()).toEqual(["avatar", "name", "publish", "role", "roles", "subscribe"]);
  });

  test("do not take the rest of a list with them", async () => {
    const { here } = await setUp();
    expect(
      await here({
        sub: "a",
        roles: { "42": "host", "43": "owner" },
        subscribe: ["video:board-7", "member:**"],
      }),
    ).toMatchObject({ videoRoles: { "42": "host" }, subscribe: ["video:board-7"] });
  });

  test("are no reason to be silent where a token is made here", async () => {
    const bad = { sub: "a", avatar: "/me.png" };
    expect(signToken(SECRET, bad, 60)).rejects.toThrow("The claim avatar is not of the expected");
    expect(signToken(SECRET, { sub: "guest-1" }, 60)).rejects.toThrow("guest-");
  });
});

describe("providers as they are", () => {
  test("Supabase, with its secret or its keys", async () => {
    const claims = {
      iss: "https://x.supabase.co/auth/v1",
      sub: "5f2c8f0e-7a3a-4a4e-9a35-0f1a2b3c4d5e",
      aud: "authenticated",
      role: "authenticated",
      app_metadata: { provider: "email", role: "admin" },
      user_metadata: { full_name: "Ana García", avatar_url: "https://example.org/a.png" },
      is_anonymous: false,
    };
    const mapping = {
      roleClaim: "app_metadata.role",
      roleMap: { admin: "host" },
      nameClaim: "user_metadata.full_name",
      avatarClaim: "user_metadata.avatar_url",
    } as const;
    const { outside, here, ignored } = await setUp({ mapping, audience: "authenticated" });
    const ana = { name: "Ana García", avatar: "https://example.org/a.png", role: "host" } as const;
    expect(await outside(claims)).toMatchObject(ana);
    expect(await here(claims)).toMatchObject(ana);
    expect(ignored).toEqual([]);
    // The guests that this installation makes stay guests.
    const { here: withoutAudience } = await setUp({ mapping });
    expect(await withoutAudience({ sub: "guest-abc", role: "guest", name: "Bo" })).toMatchObject({
      role: "guest",
    });
  });

  test("Auth0, Keycloak, Clerk, Firebase", async () => {
    const auth0 = await setUp({
      mapping: { roleClaim: "https://example.org/roles", roleMap: { mods: "moderator" } },
    });
    expect(
      await auth0.outside({
        sub: "auth0|507f1f77bcf86cd799439011",
        aud: ["ovation", "https://x.auth0.com/userinfo"],
        "https://example.org/roles": ["viewers", "mods"],
        name: "Bo",
        picture: "https://s.gravatar.com/a.png",
      }),
    ).toMatchObject({
      sub: "auth0|507f1f77bcf86cd799439011",
      role: "moderator",
      avatar: "https://s.gravatar.com/a.png",
    });
    const keycloak = await setUp({
      mapping: { roleClaim: "realm_access.roles", nameClaim: "preferred_username" },
    });
    expect(
      await keycloak.outside({
        sub: "f:1c2d3e:alice",
        realm_access: { roles: ["offline_access", "member", "host"] },
        preferred_username: "alice",
        name: "Alice Liddell",
        email_verified: true,
      }),
    ).toMatchObject({ sub: "f~3A1c2d3e~3Aalice", role: "host", name: "alice" });
    const plain = await setUp();
    expect(
      await plain.outside({ sub: "user_2abc", azp: "https://example.org", sid: "sess_1", v: 2 }),
    ).toMatchObject({ sub: "user_2abc", name: "user_2abc", ...nobodySpecial });
    expect(
      await plain.outside({
        sub: "Xk3Fhd8aQkY2",
        user_id: "Xk3Fhd8aQkY2",
        auth_time: NOW_S,
        firebase: { identities: {}, sign_in_provider: "google.com" },
        picture: "https://lh3.googleusercontent.com/a",
      }),
    ).toMatchObject({ avatar: "https://lh3.googleusercontent.com/a", ...nobodySpecial });
    expect(plain.ignored).toEqual([]);
  });

  test("an id of any printable form is one here, and no two of them are the same", async () => {
    const { outside } = await setUp();
    const subOf = async (sub: unknown) => {
      const identity = await outside({ sub });
      return typeof identity === "string" ? identity : identity.sub;
    };
    expect(await subOf(42)).toBe("42");
    expect(await subOf("https://id.example/alice?x=1")).toBe(
      "https~3A~2F~2Fid.example~2Falice~3Fx=1",
    );
    expect(await subOf("a~b")).toBe("a~b");
    expect(await subOf("a~3Ab")).toBe("a~7E3Ab");
    expect(await subOf("a:b")).toBe("a~3Ab");
    expect(await subOf("*")).toBe("~2A");
    for (const sub of [
      " publish",
      "a b",
      "a\0",
      "älice",
      "a\ud800",
      1.5,
      1e300,
      true,
      "..",
      ":".repeat(43),
    ])
      expect([sub, await subOf(sub)]).toEqual([sub, expect.stringMatching(/^token-invalid: /)]);
  });

  test("an issuer may be told to give no roles", async () => {
    const { outside, here } = await setUp({ mapping: { givesRoles: false } });
    const claims = {
      sub: "eve",
      role: "host",
      roles: { "42": "host" },
      subscribe: ["*"],
      publish: ["*"],
    };
    expect(await outside(claims)).toMatchObject({ sub: "eve", ...nobodySpecial });
    expect(await here(claims)).toMatchObject({ role: "host", publish: ["*"] });
  });

  test("with a role claim, an outside token's own `role` is ignored", async () => {
    const { outside } = await setUp({
      mapping: { roleClaim: "app.role", roleMap: { admin: "host" } },
    });
    for (const claims of [
      { role: "host" },
      { app: { role: "host" } },
      { app: { role: "constructor" } },
      { app: "admin" },
      { app: null },
      { app: { role: [["admin"]] } },
    ])
      expect(await outside({ sub: "eve", ...claims })).toMatchObject({ role: "member" });
    expect(await outside({ sub: "eve", app: { role: ["x", "admin"] } })).toMatchObject({
      role: "host",
    });
  });

  test("only a guest of this installation has a guest's id", async () => {
    const { outside, here } = await setUp();
    for (const claims of [{ role: "guest" }, { role: "member" }, {}])
      expect(await outside({ sub: "guest-EEyn0", ...claims })).toStartWith("token-invalid: ");
    expect(await here({ sub: "guest-EEyn0", role: "guest" })).toMatchObject({ role: "guest" });
  });
});

describe("times", () => {
  test("exp may have a fraction, be far away, and is whole milliseconds here", async () => {
    const { here } = await setUp();
    expect(await here({ sub: "a", exp: NOW_S + 0.5 })).toMatchObject({ expiresAt: NOW + 500 });
    expect(await here({ sub: "a", exp: NOW_S + 0.123456 })).toMatchObject({ expiresAt: NOW + 123 });
    expect(await here({ sub: "a", exp: 1e300 })).toMatchObject({
      expiresAt: 8_640_000_000_000_000,
    });
    expect(await here({ sub: "a", exp: -1 })).toStartWith("token-expired");
    expect(await here({ sub: "a", exp: "soon" })).toStartWith("token-invalid");
    expect(await here({ sub: "a", nbf: NOW_S + 20 })).toMatchObject({ sub: "a" });
    expect(await here({ sub: "a", nbf: NOW_S + 60 })).toStartWith("token-invalid");
    expect(await here({ sub: "a", iat: NOW_S + 600 })).toMatchObject({ sub: "a" });
  });

  test("a token without exp ends by its age, where the operator says so", async () => {
    const { here } = await setUp({ tokenAgeMaxS: 3_600 });
    expect(await here({ sub: "a", iat: NOW_S - 60 })).toMatchObject({
      expiresAt: NOW + 3_540_000,
    });
    expect(await here({ sub: "a", iat: NOW_S - 3_700 })).toStartWith("token-expired");
    for (const claims of [{}, { iat: "now" }, { iat: NOW_S + 600 }])
      expect(await here({ sub: "a", ...claims })).toStartWith("token-invalid");
    // One that names its end keeps it: guests' do.
    expect(await here({ sub: "a", exp: NOW_S + 86_400 })).toMatchObject({
      expiresAt: NOW + 86_400_000,
    });
  });
});
