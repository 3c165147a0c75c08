/** Reads the JSON body of a request, bounded before it is in memory. */

import { Problem } from "@ovation/protocol";
import type { z } from "zod";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/**
 * The body as `schema` has it. The content type is not looked at: the tokens are not cookies, so a
 * foreign page gains nothing by a form, and `navigator.sendBeacon` sends `text/plain`.
 * Throws `body-too-large`, `invalid-json`, `invalid-body`, and what the schema's transforms throw.
 */
export async function readBody<Schema extends z.ZodType>(request: Request, schema: Schema, bytesMax: number): Promise<z.output<Schema>> {
  return parseWith(schema, parseJson(await readBytes(request, bytesMax)));
}

/** The same where the body may be absent: then `empty` is parsed in its place. */
export async function readOptionalBody<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
  bytesMax: number,
  empty: unknown = {},
): Promise<z.output<Schema>> {
  const bytes = await readBytes(request, bytesMax);
  return parseWith(schema, bytes.length === 0 ? empty : parseJson(bytes));
}

async function readBytes(request: Request, bytesMax: number): Promise<Uint8Array> {
  const announced = request.headers.get("content-length");
  if (announced !== null) {
    if (Number(announced) > bytesMax) throw tooLarge(bytesMax);
    // The HTTP server reads no more than what was announced, so this is bounded too.
    return new Uint8Array(await request.arrayBuffer());
  }
  if (request.body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body) {
    length += chunk.length;
    if (length > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

function tooLarge(bytesMax: number): Problem {
  return new Problem("body-too-large", `At most ${bytesMax} bytes`, { max: bytesMax });
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    // Whatever went wrong, the sender's bytes are not JSON in UTF-8, and that is all there is to say.
    throw new Problem("invalid-json");
  }
}

function parseWith<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue?.path.map(String).join(".") ?? "";
  throw new Problem("invalid-body", `${path === "" ? "body" : path}: ${issue?.message ?? "not of the expected form"}`);
}
