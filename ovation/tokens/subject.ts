/** The id that a token's `sub` is here: what follows `member:` in a personal topic. */

import { isTopicId } from "@ovation/protocol";

/**
 * This installation, or a server that has its secret; or an outside issuer with keys of its own.
 */
export type Signer = "here" | "outside";

/** Ids of guests begin so, and no others do. */
export const GUEST_ID_PREFIX = "guest-";

export function isGuestId(id: string): boolean {
  return id.startsWith(GUEST_ID_PREFIX);
}

const FORM = "1 to 128 of A-Z a-z 0-9 . _ ~ @ | + = -";
/** An escaped byte. */
const ESCAPE = /~[0-9A-F]{2}/;
const PRINTABLE = /^[\x21-\x7e]+$/;

type Subject =
  | { readonly ok: true; readonly sub: string }
  | { readonly ok: false; readonly detail: string };

/**
 * A server that signs with our secret uses our alphabet. An outside issuer's `sub` may be any text
 * (`f:1c2d:alice`, `https://id.example/alice`, `42`): characters beyond the alphabet are escaped as
 * `~3A`.
 */
export function subjectFrom(value: unknown, signer: Signer): Subject {
  if (value === undefined || value === null || value === "")
    return refuse("The token has no claim sub: the id of its member");
  if (typeof value === "number" && signer === "here")
    return refuse("The claim sub is a number: sign it as a text");
  const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== "string") return refuse(`The claim sub is not ${FORM}`);
  const sub = signer === "here" ? text : escapeSubject(text);
  if (!isTopicId(sub)) return refuse(`The claim sub is not ${FORM}`);
  // Both would vanish from the path of an address.
  if (sub === "." || sub === "..") return refuse("The claim sub is no name: only dots");
  return { ok: true, sub };
}

/** No two texts become one: what looks escaped already is escaped itself. */
function escapeSubject(text: string): string {
  if ((isTopicId(text) && !ESCAPE.test(text)) || !PRINTABLE.test(text)) return text;
  return text.replace(
    /[^A-Za-z0-9._@|+=-]/g,
    (character) => `~${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

function refuse(detail: string): Subject {
  return { ok: false, detail };
}
