/**
 * The head of a request: what RFC 9112 says of it and nothing more generous. Two programs that read
 * a malformed request differently are how requests are smuggled past one of them, so what is not
 * plainly one thing is refused.
 */

import { Problem } from "@ovation/protocol";
import { BODY_BYTES_MAX, HEADERS_MAX } from "../limits.ts";
import { RequestHeaders } from "./request-headers.ts";

export interface RequestHead {
  readonly method: string;
  /** As it was sent: `/v1/videos?limit=2`, or absolute. */
  readonly target: string;
  /** HTTP/1.0: no chunks, no second request. */
  readonly isOld: boolean;
  readonly headers: RequestHeaders;
  readonly body: BodyForm;
  readonly keepAlive: boolean;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
}

export type BodyForm =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" };

const NO_BODY: BodyForm = { kind: "none" };
const CHUNKED: BodyForm = { kind: "chunked" };

/** [spec] RFC 9110, 5.6.2: a token. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/**
 * [spec] RFC 9112, 3: method SP request-target SP HTTP-version, one space each. A target is visible
 * ASCII, and has no fragment.
 */
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21\x22\x24-\x7e]+) HTTP\/1\.([01])$/;
/**
 * [spec] RFC 9110, 5.5: visible characters, spaces, tabs, and bytes of old encodings. No CR, LF or
 * NUL.
 */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * [spec] RFC 3986, 3.2.2 and 3.2.3: what a host and a port are made of; no `/`, `?`, `#` or `@`,
 * which would move the path.
 */
const HOST = /^[\w.~!$&'()*+,;=%:[\]-]*$/;
/** [spec] RFC 9112, 3.2: absolute, of a tunnel, or `*`; `/…` is the fourth. */
const OTHER_TARGET = /^(?:https?:\/\/[^/?#@]+(?:[/?].*)?|[^/?#@]+:[0-9]+|\*)$/i;

/** Whether a request can begin with this byte: what begins otherwise need not be waited for. */
export function canBeginRequest(byte: number): boolean {
  return TOKEN.test(String.fromCharCode(byte));
}

/**
 * `text` is the head as latin1, without the empty line that ends it. Throws `invalid-request`,
 * `headers-too-large` and `body-too-large`.
 */
export function parseRequestHead(text: string): RequestHead {
  const lineEnd = text.indexOf("\r\n");
  const line = REQUEST_LINE.exec(lineEnd < 0 ? text : text.slice(0, lineEnd));
  if (line === null) throw invalid("the request line is not one of HTTP/1.1");
  const [, method = "", target = "", minor] = line;
  const headers = parseHeaders(text, lineEnd < 0 ? text.length : lineEnd + 2);
  const isOld = minor === "0";
  const hosts = headers.all("host").length;
  // [spec] RFC 9112, 3.2: 400 to a request of HTTP/1.1 without a Host, and to any with more than
  // one.
  if (hosts > 1 || (hosts === 0 && !isOld)) throw invalid("send one Host header");
  if (!HOST.test(headers.get("host") ?? ""))
    throw invalid("a Host is a name or an address, and a port");
  if (!target.startsWith("/") && !OTHER_TARGET.test(target))
    throw invalid("the target is not one of HTTP/1.1");
  const connection = headers.get("connection")?.toLowerCase() ?? "";
  return {
    method,
    target,
    isOld,
    headers,
    body: bodyOf(headers, isOld),
    keepAlive: !isOld && !connection.split(",").some((option) => option.trim() === "close"),
    expectsContinue: !isOld && headers.get("expect")?.toLowerCase() === "100-continue",
  };
}

function parseHeaders(text: string, from: number): RequestHeaders {
  const names: string[] = [];
  const values: string[] = [];
  for (let start = from; start < text.length; ) {
    const found = text.indexOf("\r\n", start);
    const end = found < 0 ? text.length : found;
    const colon = text.indexOf(":", start);
    // [spec] RFC 9112, 5.2: a line that continues an earlier one begins with white space, which no
    // token does.
    if (colon < 0 || colon > end) throw invalid("a header is name: value");
    const name = text.slice(start, colon);
    const value = trimBlanks(text, colon + 1, end);
    if (!TOKEN.test(name) || !VALUE.test(value))
      throw invalid("a header has characters that headers do not have");
    if (names.length >= HEADERS_MAX)
      throw new Problem("headers-too-large", `at most ${HEADERS_MAX} headers`);
    names.push(name.toLowerCase());
    values.push(value);
    start = end + 2;
  }
  return new RequestHeaders(names, values);
}

/**
 * [spec] RFC 9110, 5.6.3: spaces and tabs around a value, and nothing else that `trim` takes
 * (vertical tabs, CR, LF, 0xA0).
 */
function trimBlanks(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/**
 * [spec] RFC 9112, 6.3: both a length and chunks, or two lengths, is an attack until proven
 * otherwise.
 */
function bodyOf(headers: RequestHeaders, isOld: boolean): BodyForm {
  const encodings = headers.all("transfer-encoding");
  const lengths = headers.all("content-length");
  if (encodings.length > 0) {
    if (lengths.length > 0 || isOld) throw invalid("a body has a length or chunks, not both");
    if (encodings.length > 1 || encodings[0]?.toLowerCase() !== "chunked")
      throw invalid("chunked is the one transfer-encoding here");
    return CHUNKED;
  }
  if (lengths.length === 0) return NO_BODY;
  const [length = ""] = lengths;
  if (lengths.length > 1 || !/^[0-9]{1,15}$/.test(length))
    throw invalid("a Content-Length is one number");
  const bytes = Number(length);
  if (bytes > BODY_BYTES_MAX)
    throw new Problem("body-too-large", `at most ${BODY_BYTES_MAX} bytes`, {
      bytesMax: BODY_BYTES_MAX,
    });
  return bytes === 0 ? NO_BODY : { kind: "length", bytes };
}

function invalid(detail: string): Problem {
  return new Problem("invalid-request", detail);
}
