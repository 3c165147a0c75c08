/** Reads the JSON body of a request as a schema has it. */

import { type HttpRequest, Problem, parseExactJson, readBytes } from "@ovation/protocol";
import type { z } from "zod";

/**
 * The body as `schema` has it. The content type is not looked at: the tokens are not cookies, so a
 * foreign page gains nothing by a form, and `navigator.sendBeacon` sends `text/plain`.
 * Throws `body-too-large`, `invalid-json`, `invalid-body`, and what the schema's transforms throw.
 */
export async function readBody<Schema extends z.ZodType>(
  request: HttpRequest,
  schema: Schema,
  bytesMax: number,
): Promise<z.output<Schema>> {
  return parseWith(schema, parseExactJson(await readBytes(request, bytesMax)));
}

/** The same where the body may be absent: then `empty` is parsed in its place. */
export async function readOptionalBody<Schema extends z.ZodType>(
  request: HttpRequest,
  schema: Schema,
  bytesMax: number,
  empty: unknown = {},
): Promise<z.output<Schema>> {
  const bytes = await readBytes(request, bytesMax);
  return parseWith(schema, bytes.length === 0 ? empty : parseExactJson(bytes));
}

function parseWith<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue?.path.map(String).join(".") ?? "";
  throw new Problem(
    "invalid-body",
    `${path === "" ? "body" : path}: ${issue?.message ?? "not of the expected form"}`,
  );
}
