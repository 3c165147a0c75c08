/**
 * Routes of internal listeners: POST only, each call signed, its body bounded and read first.
 * Refused calls are counted by reason; the response does not say which part was wrong.
 */

import { Problem, parseJson, type Route, readBytes } from "@ovation/protocol";
import type { z } from "zod";
import { AUTH_WINDOW_MS, type InternalAuth, isSigned, type Refusal } from "./auth.ts";

/** Refused calls since the start, by reason. A number that grows is a fault or an attack. */
export type InternalRefusals = Record<
  Refusal | "not-the-caller" | "earlier-life" | "malformed" | "oversized",
  number
>;

export function createRefusals(): InternalRefusals {
  return {
    unsigned: 0,
    forged: 0,
    late: 0,
    replayed: 0,
    busy: 0,
    "not-the-caller": 0,
    "earlier-life": 0,
    malformed: 0,
    oversized: 0,
  };
}

export interface InternalRouteOptions {
  readonly auth: InternalAuth;
  readonly refusals: InternalRefusals;
}

export interface VerifiedCall {
  readonly from: string;
  readonly to: string;
  readonly body: Uint8Array;
}

export function internalRoute(
  { auth, refusals }: InternalRouteOptions,
  path: string,
  bodyBytesMax: number,
  handle: (call: VerifiedCall) => Promise<Response>,
): Route {
  return {
    method: "POST",
    path,
    async handle(request) {
      // Before the body: an unsigned call must not cost memory.
      if (!isSigned(request.headers)) throw refuse(refusals, "unsigned");
      const body = await readBytes(request, bodyBytesMax).catch((error: unknown) => {
        if (error instanceof Problem && error.code === "body-too-large") refusals.oversized++;
        throw error;
      });
      const verified = auth.verify({ method: "POST", path, body }, request.headers);
      if (typeof verified === "string") throw refuse(refusals, verified);
      return handle({ ...verified, body });
    },
  };
}

/** A refused call, with the reason for the log. */
export class RefusedCall extends Problem {
  readonly reason: keyof InternalRefusals;

  constructor(reason: keyof InternalRefusals) {
    super(...ANSWERS[reason]);
    this.reason = reason;
  }
}

const NOT_SIGNED = ["token-invalid", "the call is not signed with the internal secret"] as const;

const ANSWERS: Readonly<Record<keyof InternalRefusals, ConstructorParameters<typeof Problem>>> = {
  unsigned: [...NOT_SIGNED],
  forged: [...NOT_SIGNED],
  // The signature is valid, so the caller may know the reason.
  late: [
    "clock-apart",
    `the clocks of the two processes differ by over ${AUTH_WINDOW_MS / 1000} s; set both by NTP`,
    { retryAfterMs: 5000 },
  ],
  replayed: ["token-invalid", "the call was made before"],
  "not-the-caller": ["token-invalid", "the call is not for its caller to make"],
  // How the caller learns of the restart; a rolling restart causes some.
  "earlier-life": ["token-invalid", "the call is for an earlier incarnation of this process"],
  busy: ["unavailable", "too many internal calls", { retryAfterMs: 1000 }],
  malformed: ["invalid-body", "not a call of this version"],
  oversized: ["body-too-large"],
};

export function refuse(refusals: InternalRefusals, reason: keyof InternalRefusals): RefusedCall {
  refusals[reason]++;
  return new RefusedCall(reason);
}

/** The body, parsed by the schema. */
export function parseCall<Schema extends z.ZodType>(
  refusals: InternalRefusals,
  schema: Schema,
  body: Uint8Array,
): z.output<Schema> {
  let value: unknown;
  try {
    value = parseJson(body);
  } catch {
    throw refuse(refusals, "malformed");
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw refuse(refusals, "malformed");
  return parsed.data;
}
