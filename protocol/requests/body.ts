/** Reads the body of a request, bounded before it is in memory. */

import { InexactJsonError, scanJson } from "../exact-json.ts";
import { Problem } from "./problem.ts";
import type { HttpRequest } from "./route.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Throws `body-too-large`. */
export async function readBytes(request: HttpRequest, bytesMax: number): Promise<Uint8Array> {
  const announced = request.headers.get("content-length");
  if (announced !== null) {
    if (Number(announced) > bytesMax) throw tooLarge(bytesMax);
    // The HTTP server reads no more than was announced, so this is bounded too.
    return request.bytes();
  }
  const { body } = request;
  if (body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
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

/** Throws `body-too-large` and what {@link parseExactJson} throws. */
export async function readJson(request: HttpRequest, bytesMax: number): Promise<unknown> {
  return parseExactJson(await readBytes(request, bytesMax));
}

/** Throws `invalid-json`, also where the bytes are not UTF-8. */
export function parseJson(bytes: Uint8Array): unknown {
  return parseJsonText(bytes).value;
}

/**
 * As above, and `invalid-body` where the sender means something else than a reader would parse: a
 * number that would be rounded, a duplicate property. Lone surrogates are left to the rules of each
 * text.
 */
export function parseExactJson(bytes: Uint8Array): unknown {
  const { value, text } = parseJsonText(bytes);
  try {
    scanJson(text, { anyUnits: true });
  } catch (error) {
    if (error instanceof InexactJsonError) throw new Problem("invalid-body", error.message);
    throw error;
  }
  return value;
}

/** Throws `invalid-json`. */
export function parseJsonText(bytes: Uint8Array): {
  readonly value: unknown;
  readonly text: string;
} {
  try {
    const text = decoder.decode(bytes);
    return { value: JSON.parse(text), text };
  } catch {
    // The bytes are not JSON in UTF-8; there is no more detail to give.
    throw new Problem("invalid-json");
  }
}

function tooLarge(bytesMax: number): Problem {
  return new Problem("body-too-large", `at most ${bytesMax} bytes`, { bytesMax });
}
