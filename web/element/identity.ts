/** The viewer's identity for the page's own use. The server alone decides what they may do. */

import type { Author } from "@ovation/client";
import { isRecord, isRole } from "./read.ts";

export interface Me extends Author {
  readonly token: string;
}

/** Starts a message to an author; undefined where the viewer may not write to them. */
export type MessageTo = (author: Author) => (() => void) | undefined;

/** Reads a token's claims, unverified. `undefined` where the token has another form. */
export function readToken(token: string | undefined, videoId: string): Me | undefined {
  const payload = token?.split(".")[1];
  if (token === undefined || payload === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (unit) =>
      unit.charCodeAt(0),
    );
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (!isRecord(claims) || typeof claims.sub !== "string") return undefined;
    const perVideo = isRecord(claims.roles) ? claims.roles[videoId] : undefined;
    const role = [perVideo, claims.role].find(isRole) ?? "member";
    return {
      token,
      id: claims.sub,
      name: typeof claims.name === "string" ? claims.name : claims.sub,
      role,
    };
  } catch {
    // Not base64 or not JSON: an opaque token, which only the server can read.
    return undefined;
  }
}
