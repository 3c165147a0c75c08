/**
 * CPU per verification of a token that was not seen before, and of one that was; beside it what the
 * signature alone costs, checked by `node:crypto` in this thread.
 *
 * sh ovation/bin/bun ovation/tokens/verify.bench.ts
 */

import { createPublicKey, verify as verifySignature } from "node:crypto";
import { exportSPKI, generateKeyPair, SignJWT } from "jose";
import { ASYMMETRIC_ALGORITHMS } from "./key-ring.ts";
import { signToken } from "./signer.ts";
import { createVerifier } from "./verifier.ts";

const TOKENS = 5_000;
const WARM_UP = 500;
const secret = "a secret of the benchmark, long enough";
const subjects = Array.from({ length: TOKENS + WARM_UP }, (_, index) => `member-${index}`);

const { verify } = await createVerifier({ secrets: [secret] });
const hs256 = await Promise.all(
  subjects.map((sub) => signToken(secret, { sub, name: sub, subscribe: [`member:${sub}`] }, 3_600)),
);
await measure("HS256, first time", hs256, verify);
await measure("HS256, remembered", hs256, verify);

for (const algorithm of ASYMMETRIC_ALGORITHMS) {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const pem = await exportSPKI(publicKey);
  const tokens = await Promise.all(
    subjects.map((sub) =>
      new SignJWT({ sub, name: sub, subscribe: [`member:${sub}`] })
        .setProtectedHeader({ alg: algorithm })
        .sign(privateKey),
    ),
  );
  const verifier = await createVerifier({ secrets: [secret], publicKeys: [pem] });
  await measure(`${algorithm}, first time`, tokens, verifier.verify);
  await measure(`${algorithm}, the signature alone`, tokens, signatureOf(algorithm, pem));
}

function signatureOf(
  algorithm: (typeof ASYMMETRIC_ALGORITHMS)[number],
  pem: string,
): (token: string) => Promise<void> {
  const key = createPublicKey(pem);
  const hash = algorithm === "EdDSA" ? null : "sha256";
  return async (token) => {
    const end = token.lastIndexOf(".");
    const signature = Buffer.from(token.slice(end + 1), "base64url");
    // JWTs carry both halves of an ECDSA signature as they are; the other algorithms know one form
    // only.
    if (
      !verifySignature(
        hash,
        Buffer.from(token.slice(0, end)),
        { key, dsaEncoding: "ieee-p1363" },
        signature,
      )
    ) {
      throw new Error("the signature does not hold");
    }
  };
}

async function measure(
  name: string,
  tokens: readonly string[],
  verifyOne: (token: string) => Promise<unknown>,
): Promise<void> {
  for (const token of tokens.slice(0, WARM_UP)) await verifyOne(token);
  const before = process.cpuUsage();
  const startedAt = performance.now();
  for (const token of tokens.slice(WARM_UP)) await verifyOne(token);
  const wall = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(before);
  const each = (microseconds: number) => (microseconds / TOKENS).toFixed(1);
  console.log(
    `${name}: ${each(user + system)} µs of CPU, ${each(wall * 1_000)} µs of time per token`,
  );
}
