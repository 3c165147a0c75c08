/**
 * The forms of request bodies, parsed once at the edge. Unknown properties are refused: a misspelt
 * `clientId`, silently ignored, would turn each retry into a second comment.
 *
 * Rules on text (length, control characters) have codes of their own and are applied after the form
 * fits, in `text.ts`.
 */

import {
  IDEMPOTENCY_KEY_CHARACTERS_MAX,
  isTopicId,
  LIKES_PER_REQUEST_MAX,
} from "@ovation/protocol";
import { z } from "zod";
import { ADDRESS_CHARACTERS_MAX, MEDIA_SOURCES_MAX, TIME_OUT_SECONDS_MAX } from "../limits.ts";

const seq = z.int().min(1);

/** Printable, for log lines; without spaces, which separate it in the key of the log. */
const clientId = z
  .string()
  .regex(new RegExp(`^[\\x21-\\x7e]{1,${IDEMPOTENCY_KEY_CHARACTERS_MAX}}$`), {
    error: `1 to ${IDEMPOTENCY_KEY_CHARACTERS_MAX} printable ASCII characters without spaces`,
  });

export const newComment = z.strictObject({
  text: z.string(),
  clientId: clientId.optional(),
  replyTo: seq.optional(),
});

export const removal = z.strictObject({ reason: z.string().optional() });

export const pin = z.strictObject({ seq: seq.nullable() });

export function likesOf(kinds: readonly string[]) {
  return z.strictObject({
    kind: z.enum(kinds as [string, ...string[]]).default(kinds[0] ?? "like"),
    count: z.int().min(1).max(LIKES_PER_REQUEST_MAX).default(1),
  });
}

/** `video`: where the guest will write, so that a name taken there is refused at once. */
export const guest = z.strictObject({
  name: z.string(),
  video: z.string().refine(isTopicId, { error: "not an id" }).optional(),
});

/** The alphabet of a JWT, so that it can stand in a header. */
export const guestUpgrade = z.strictObject({
  guestToken: z.string().regex(/^[A-Za-z0-9_.-]+$/, { error: "a token" }),
});

const topicId = z.string().refine(isTopicId, { error: "not an id" });

export const sanction = z.strictObject({
  video: topicId.optional(),
  kind: z.enum(["time-out", "ban"]),
  seconds: z.int().min(1).max(TIME_OUT_SECONDS_MAX).optional(),
  reason: z.string().optional(),
});

export const newMessage = z.strictObject({ text: z.string(), clientId: clientId.optional() });

const cursor = z.int().min(0).optional();
export const receipt = z.strictObject({ seen: cursor, delivered: cursor });

export const inbox = z.strictObject({ open: z.boolean() });

export const typing = z.strictObject({ typing: z.boolean().default(true) });

/** An address that a page may load: `https:`, `http:`, or a path on the same host. */
const address = z
  .string()
  .max(ADDRESS_CHARACTERS_MAX)
  .refine(isLoadable, { error: "an http(s) address or a path that starts with one slash" });

function isLoadable(text: string): boolean {
  if (!/^[\x21-\x7e]+$/.test(text)) return false;
  if (text.startsWith("/")) return !text.startsWith("//") && !text.startsWith("/\\");
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}

const media = z.strictObject({
  src: address,
  type: z.string().regex(/^[a-z]+\/[a-z0-9.+-]{1,100}$/i, { error: "a media type" }),
});

/** `null` takes a value away, an absent member leaves it as it is. */
export const videoChanges = z.strictObject({
  title: z.string().nullable().optional(),
  description: z.string().nullable().optional(),
  live: z.boolean().optional(),
  closed: z.boolean().optional(),
  media: z.array(media).max(MEDIA_SOURCES_MAX).nullable().optional(),
  poster: address.nullable().optional(),
});

/** A number in a path or query: digits only, safe. */
export function parseSeq(text: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
