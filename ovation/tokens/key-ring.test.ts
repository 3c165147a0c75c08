import { afterEach, expect, setSystemTime, test } from "bun:test";
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from "jose";
import { createKeyRing, JWKS_AGE_MAX_MS } from "./key-ring.ts";

afterEach(() => void setSystemTime());

test("JWKS_AGE_MAX_MS: published keys are fetched again after that time", async () => {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const other = await generateKeyPair("RS256", { extractable: true });
  const toKey = async (key: CryptoKey) => ({ ...(await exportJWK(key)), kid: "one", alg: "RS256" });
  let keys = [await toKey(publicKey)];
  let fetches = 0;
  const ring = await createKeyRing({
    jwksUrl: "http://issuer.example/jwks",
    fetch: async () => {
      fetches++;
      return Response.json({ keys });
    },
  });
  const published = ring.publishedFor("RS256");
  if (published === undefined) throw new Error("no published keys");
  const token = await new SignJWT({ sub: "alice" })
    .setProtectedHeader({ alg: "RS256", kid: "one" })
    .sign(privateKey);
  const startedAt = Date.now();
  await jwtVerify(token, published);
  keys = [await toKey(other.publicKey)];
  setSystemTime(startedAt + JWKS_AGE_MAX_MS - 1000);
  await jwtVerify(token, published);
  expect(fetches).toBe(1);
  setSystemTime(startedAt + JWKS_AGE_MAX_MS + 1000);
  expect(jwtVerify(token, published)).rejects.toThrow("signature");
  expect(fetches).toBe(2);
});
