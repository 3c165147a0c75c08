/**
 * What a request for a stream says beside its topics: from where, and in which form on the wire.
 * `docs/http-api.md` lists every parameter.
 */

import {
  type BroadcastPoint,
  type HttpHeaders,
  type HttpRequest,
  type Position,
  Problem,
  parsePosition,
} from "@ovation/protocol";
import { type WireForm, wireForm } from "./wire-form.ts";

/** `last_event_id`, `lastEventId`, `lastEventID`, `Last-Event-ID` … without case and separators. */
const POSITION_NAME = "lasteventid";
const OWN_POSITION_NAME = "last_event_id";
const SEEN_NAME = "seen";
/**
 * A query without such a name, or one that is escaped, has no position: most connects are the
 * first.
 */
const PERHAPS_POSITION = /[?&](?:[-_]*l|[^=&]*%)/i;

const EVENTS = ["named", "message"];
const ENCODINGS = ["zstd", "identity"];

/** A position that is not one of ours: its topics are not recovered. */
const FOREIGN: Position = { topics: new Map(), isForeign: true };

/**
 * The last spelling in the address wins, because libraries append theirs when they reconnect; any
 * of them wins over the header. `last_event_id` is written by hand or by the SDK, so a malformed
 * one is an error; in the header or in a library's spelling it is a stranger's id, and not
 * recovered.
 */
export function readPosition(request: HttpRequest, url: URL): Position | undefined {
  const { name, text } = readPositionText(request, url);
  if (text === "") return undefined;
  const position = parsePosition(text);
  if (position === undefined && name === OWN_POSITION_NAME)
    throw new Problem(
      "invalid-position",
      "leave last_event_id out, or send an id that the server sent",
    );
  return position ?? FOREIGN;
}

/**
 * `seen`: the beginning of the last id that the client received, up to its order. The SDK names its
 * topics in `last_event_id`, and says with this how far it was. A malformed one is ignored.
 */
export function readSeen(url: URL): BroadcastPoint | undefined {
  const text = url.searchParams.get(SEEN_NAME);
  return text === null ? undefined : parsePosition(text)?.point;
}

/** Empty where there is none; `name` where a parameter said it. */
export function readPositionText(
  request: HttpRequest,
  url: URL,
): { readonly name: string | undefined; readonly text: string } {
  let name: string | undefined;
  let text = "";
  for (const [key, value] of PERHAPS_POSITION.test(url.search) ? url.searchParams : []) {
    if (value === "" || key.replace(/[-_]/g, "").toLowerCase() !== POSITION_NAME) continue;
    name = key;
    text = value;
  }
  if (name === undefined) text = request.headers.get("last-event-id") ?? "";
  return { name, text };
}

/** The form that the client asks for. Whether it is chunked is the transport's to say. */
export function readForm(request: HttpRequest, url: URL, offersZstd: boolean): WireForm {
  const events = oneOf(url, "events", EVENTS);
  const encoding = oneOf(url, "encoding", ENCODINGS);
  return wireForm({
    unnamed: events === "message",
    zstd:
      offersZstd &&
      (encoding === "zstd" || (encoding === undefined && readsZstdFrames(request.headers))),
  });
}

function oneOf(url: URL, name: string, values: readonly string[]): string | undefined {
  const value = url.searchParams.get(name);
  if (value === null || values.includes(value)) return value ?? undefined;
  throw new Problem("invalid-parameter", `${name} is one of ${values.join(", ")}`);
}

/**
 * Whether the client is known to read zstd frames one after another, as they arrive. Accepting zstd
 * says less: Python's httpx, aiohttp and urllib3 stop after the first frame. Browsers send fetch
 * metadata; of these, Apple's decoder is not known.
 */
function readsZstdFrames(headers: HttpHeaders): boolean {
  const isBrowser =
    headers.get("sec-fetch-site") !== null || headers.get("sec-fetch-dest") !== null;
  return isBrowser && acceptsZstd(headers) && !isWebKit(headers.get("user-agent") ?? "");
}

function acceptsZstd(headers: HttpHeaders): boolean {
  const accepted = headers.get("accept-encoding") ?? "";
  return accepted.split(",").some((part) => /^\s*zstd\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(part));
}

/** Chromium says `AppleWebKit` as well, and beside it `Chrome`. */
function isWebKit(userAgent: string): boolean {
  return userAgent.includes("AppleWebKit/") && !/ (Headless)?Chrom(e|ium)\//.test(userAgent);
}
