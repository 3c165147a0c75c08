/** Takes the head of the next request out of what a connection receives. */

import { Problem } from "@ovation/protocol";
import { HEAD_BYTES_MAX } from "../limits.ts";
import { readRequestHead } from "./head-cache.ts";
import { canBeginRequest, type RequestHead } from "./request-head.ts";

const HEAD_END = "\r\n\r\n";
const NOTHING = Buffer.alloc(0);
const CR = 13;
const LF = 10;

export interface HeadIntake {
  /** Undefined until it is whole. */
  readonly head: RequestHead | undefined;
  /** What is left of the input. */
  readonly rest: Buffer;
}

/** Throws `invalid-request` and `headers-too-large`. */
export function takeHead(input: Buffer): HeadIntake {
  // [spec] RFC 9112, 2.2: an empty line before a request is ignored.
  let start = 0;
  while (input[start] === CR && input[start + 1] === LF) start += 2;
  const rest = start === 0 ? input : input.subarray(start);
  if (rest.length === 0 || (rest.length === 1 && rest[0] === CR)) return { head: undefined, rest };
  if (!canBeginRequest(rest[0] ?? 0)) throw new Problem("invalid-request");
  const end = rest.indexOf(HEAD_END);
  if (end > HEAD_BYTES_MAX || (end < 0 && rest.length > HEAD_BYTES_MAX)) {
    throw new Problem("headers-too-large", `at most ${HEAD_BYTES_MAX} bytes before the body`);
  }
  if (end < 0) return { head: undefined, rest };
  const bodyAt = end + HEAD_END.length;
  return {
    head: readRequestHead(rest.toString("latin1", 0, end)),
    rest: rest.length === bodyAt ? NOTHING : rest.subarray(bodyAt),
  };
}
