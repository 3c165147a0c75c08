/**
 * Authenticates internal calls by a secret that all processes of an installation share
 * (`OVATION_INTERNAL_SECRET`). The secret is never sent: each call is signed with it.
 *
 * - `ovation-from`: the caller, as `frontend f3k9… http://10.0.0.7:9080` or `datacenter east d81…`
 * - `ovation-to`: the receiver, where that matters (a link is for one incarnation of a frontend)
 * - `ovation-time`, `ovation-nonce`: a call is valid once, within {@link AUTH_WINDOW_MS} either way
 * - `ovation-signature`: HMAC-SHA256 of all these, the method, the path and the hash of the body
 *
 * Several secrets can be valid at a time, for rotation without downtime: the first one signs. This
 * authenticates the caller and protects integrity. For confidentiality, use TLS on the internal
 * listener, which can require client certificates as well (see listener.ts).
 */

import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock, HttpHeaders } from "@ovation/protocol";

/** The largest difference between two clocks; a nonce is kept for as long. */
export const AUTH_WINDOW_MS = 30_000;
/** Nonces that are kept; beyond, calls are refused. Only a holder of the secret can cause that. */
export const NONCES_MAX = 500_000;
export const SECRET_CHARACTERS_MIN = 16;
export const HEADER_CHARACTERS_MAX = 512;
const NONCE_CHARACTERS_MIN = 16;

export interface InternalCall {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly from: string;
  readonly to: string;
  readonly body: string | Uint8Array;
}

export type Refusal = "unsigned" | "forged" | "late" | "replayed" | "busy";

export interface InternalAuth {
  sign(call: InternalCall): Record<string, string>;
  /** The caller, or the reason of the refusal. A repeated call is refused. */
  verify(
    call: Omit<InternalCall, "from" | "to">,
    headers: Pick<HttpHeaders, "get">,
  ): { readonly from: string; readonly to: string } | Refusal;
}

export interface InternalAuthOptions {
  /** The first signs, all are accepted. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly noncesMax?: number;
}

/** Whether there is a signature; `verify`, which needs the body, checks it. */
export function isSigned(headers: Pick<HttpHeaders, "get">): boolean {
  return (
    (headers.get("ovation-signature") ?? "") !== "" &&
    (headers.get("ovation-nonce") ?? "").length >= NONCE_CHARACTERS_MIN
  );
}

export function createInternalAuth({
  secrets,
  clock,
  noncesMax = NONCES_MAX,
}: InternalAuthOptions): InternalAuth {
  const [signing] = secrets;
  if (signing === undefined || secrets.some((secret) => secret.length < SECRET_CHARACTERS_MIN)) {
    throw new Error(`the internal secret has at least ${SECRET_CHARACTERS_MIN} characters`);
  }
  /** nonce → when it expires; in the order of arrival, which is nearly that of expiry. */
  const nonces = new Map<string, number>();

  function mac(secret: string, call: InternalCall, time: string, nonce: string): Buffer {
    const body = createHash("sha256").update(call.body).digest("hex");
    const text = [
      "ovation-internal-1",
      call.method,
      call.path,
      call.from,
      call.to,
      time,
      nonce,
      body,
    ].join("\n");
    return createHmac("sha256", secret).update(text).digest();
  }

  function forgetExpired(now: number): void {
    for (const [nonce, until] of nonces) {
      if (until > now) break;
      nonces.delete(nonce);
    }
  }

  return {
    sign(call) {
      const time = String(Math.round(clock.now()));
      const nonce = randomBytes(16).toString("base64url");
      return {
        "ovation-from": call.from,
        "ovation-to": call.to,
        "ovation-time": time,
        "ovation-nonce": nonce,
        "ovation-signature": mac(signing, call, time, nonce).toString("base64url"),
      };
    },

    verify(call, headers) {
      const read = (name: string) => headers.get(`ovation-${name}`) ?? "";
      const [from, to, time, nonce, signature] = [
        read("from"),
        read("to"),
        read("time"),
        read("nonce"),
        read("signature"),
      ];
      if (!isSigned(headers)) return "unsigned";
      if (from.length + to.length + time.length + nonce.length > HEADER_CHARACTERS_MAX)
        return "forged";
      const given = Buffer.from(signature, "base64url");
      const good = secrets.some((secret) => {
        const expected = mac(secret, { ...call, from, to }, time, nonce);
        return given.length === expected.length && timingSafeEqual(given, expected);
      });
      if (!good) return "forged";
      // Only now: without the secret, a caller can neither fill the memory nor use up a nonce.
      const now = clock.now();
      const age = Math.abs(now - Number(time));
      if (!(age <= AUTH_WINDOW_MS)) return "late";
      forgetExpired(now);
      if (nonces.has(nonce)) return "replayed";
      if (nonces.size >= noncesMax) return "busy";
      nonces.set(nonce, Number(time) + 2 * AUTH_WINDOW_MS);
      return { from, to };
    },
  };
}
