import { describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@ovation/protocol";
import { createGuestIssuer } from "./guests.ts";
import { loadSecret } from "./secret.ts";
import { isGuestId } from "./subject.ts";
import { createVerifier } from "./verifier.ts";

describe("secret", () => {
  test("is made once, kept for the owner alone, and found again", () => {
    const directory = mkdtempSync(join(tmpdir(), "ovation-secret-"));
    try {
      const made = loadSecret(join(directory, "data"));
      expect(made.created).toBe(true);
      expect(made.secret.length).toBeGreaterThanOrEqual(43);
      expect(statSync(made.path).mode & 0o777).toBe(0o600);
      chmodSync(made.path, 0o644);
      expect(loadSecret(join(directory, "data"))).toEqual({ ...made, created: false });
      expect(statSync(made.path).mode & 0o777).toBe(0o600);
      expect(readdirSync(join(directory, "data"))).toEqual(["secret"]);
      writeFileSync(made.path, "");
      expect(() => loadSecret(join(directory, "data"))).toThrow("is empty");
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe("guests", () => {
  test("each has an id of their own and a token that says guest", async () => {
    const secret = "0123456789abcdef0123456789abcdef";
    const issuer = createGuestIssuer({
      secret,
      clock: systemClock,
      random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    });
    const [ana, other] = [await issuer.issue("Ana"), await issuer.issue("Ana")];
    expect(isGuestId(ana.member.id)).toBe(true);
    expect(ana.member.id).not.toBe(other.member.id);
    const verifier = await createVerifier({ secrets: [secret] });
    expect(await verifier.verify(ana.token)).toMatchObject({
      sub: ana.member.id,
      name: "Ana",
      role: "guest",
      publish: [],
      subscribe: [],
    });
  });
});
