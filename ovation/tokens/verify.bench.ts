/**
 * CPU per verification of a token that was not seen before, and of one that was.
 *
 *   sh ovation/bin/bun ovation/tokens/verify.bench.ts
 */

import { exportSPKI, generateKeyPair, SignJWT } from "jose";
import { signToken } from "./signer.ts";
import { createVerifier, type Verifier } from "./verifier.ts";

const TOKENS = 5_000;
const secret = "a secret of the benchmark, long enough";
const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
const verifier = await createVerifier({ secrets: [secret], publicKeys: [await exportSPKI(publicKey)] });

const subjects = Array.from({ length: TOKENS }, (_, index) => `member-${index}`);
const hs256 = await Promise.all(subjects.map((sub) => signToken(secret, { sub, name: sub, subscribe: [`member:${sub}`] }, 3_600)));
const es256 = await Promise.all(
  subjects.map((sub) => new SignJWT({ sub, name: sub }).setProtectedHeader({ alg: "ES256" }).sign(privateKey)),
);

await measure("HS256, first time", verifier, hs256);
await measure("HS256, remembered", verifier, hs256);
await measure("ES256, first time", verifier, es256);

async function measure(name: string, { verify }: Verifier, tokens: readonly string[]): Promise<void> {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  for (const token of tokens) await verify(token);
  const wall = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(before);
  const each = (microseconds: number) => (microseconds / tokens.length).toFixed(1);
  console.log(`${name}: ${each(user + system)} µs of CPU, ${each(wall * 1_000)} µs of time per token`);
}
