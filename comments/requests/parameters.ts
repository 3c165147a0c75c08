/** Numbers in the query of a request. */

import { type HttpRequest, isTopicId, Problem } from "@ovation/protocol";
import { parseSeq } from "./schemas.ts";

export interface PageQuery {
  readonly after?: number;
  readonly before?: number;
  readonly limit: number;
}

/** A whole number from `least`; undefined where it is absent. Throws `invalid-parameter`. */
export function parameterOf(request: HttpRequest, name: string, least: number): number | undefined {
  const text = new URL(request.url).searchParams.get(name);
  if (text === null) return undefined;
  const value = parseSeq(text);
  if (value === undefined || value < least)
    throw new Problem("invalid-parameter", `${name} is a whole number from ${least}`);
  return value;
}

/** A `limit` over the maximum means the maximum: a page may be shorter than requested. */
export function pageOf(request: HttpRequest, limitDefault: number, limitMax: number): PageQuery {
  const after = parameterOf(request, "after", 0);
  const before = parameterOf(request, "before", 0);
  const limit = parameterOf(request, "limit", 1) ?? limitDefault;
  if (after !== undefined && before !== undefined)
    throw new Problem("invalid-parameter", "Either after or before, not both");
  return {
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
    limit: Math.min(limit, limitMax),
  };
}

/** The cursor of a list by time: the next page follows the row of this time and id. */
export interface Cursor {
  /** ms since 1970. */
  readonly at: number;
  readonly id: string;
}

/** The `next` of an earlier answer, in the parameter `cursor`. Throws `invalid-parameter`. */
export function cursorOf(request: HttpRequest): Cursor | undefined {
  const text = new URL(request.url).searchParams.get("cursor");
  if (text === null) return undefined;
  const dot = text.indexOf(".");
  const at = parseSeq(text.slice(0, Math.max(0, dot)));
  const id = text.slice(dot + 1);
  if (at === undefined || !isTopicId(id))
    throw new Problem("invalid-parameter", "cursor is the `next` of an earlier answer");
  return { at, id };
}

export function cursorText({ at, id }: Cursor): string {
  return `${at}.${id}`;
}
