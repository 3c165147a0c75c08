/** Certificates of our own for localhost, by `openssl`. */

import { execFileSync } from "node:child_process";
import { join } from "node:path";

export interface Certificate {
  /** Paths of PEM files. */
  readonly cert: string;
  readonly key: string;
  /** What Chromium is told to trust: the SHA-256 of the public key, in base64. */
  readonly fingerprint: string;
}

/** Writes `cert.pem` and `key.pem`. Valid for ten days: browsers limit QUIC's to two weeks. */
export function makeCertificate(directory: string): Certificate {
  const [cert, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-keyout", key, "-out", cert, "-days", "10", "-subj", "/CN=localhost", "-addext", names],
    ],
    { stdio: "ignore" },
  );
  const publicKey = execFileSync("openssl", ["x509", "-in", cert, "-pubkey", "-noout"]);
  const der = execFileSync("openssl", ["pkey", "-pubin", "-outform", "der"], { input: publicKey });
  const digest = execFileSync("openssl", ["dgst", "-sha256", "-binary"], { input: der });
  return { cert, key, fingerprint: digest.toString("base64") };
}
