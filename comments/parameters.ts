/** Numbers in the query of a request. */

import { type HttpRequest, Problem } from "@ovation/protocol";
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

/** `limit` beyond the maximum means the maximum: a page may always be shorter than was asked for. */
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
