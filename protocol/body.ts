/** Reads the body of a request, bounded before it is in memory. */

import { Problem } from "./problem.ts";
import type { HttpRequest } from "./route.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Throws `body-too-large`. */
export async function readBytes(request: HttpRequest, bytesMax: number): Promise<Uint8Array> {
  const announced = request.headers.get("content-length");
  if (announced !== null) {
    if (Number(announced) > bytesMax) throw tooLarge(bytesMax);
    // The HTTP server reads no more than what was announced, so this is bounded too.
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

/** Throws `body-too-large` and `invalid-json`. */
export async function readJson(request: HttpRequest, bytesMax: number): Promise<unknown> {
  return parseJson(await readBytes(request, bytesMax));
}

/** Throws `invalid-json`, also where the bytes are not UTF-8. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    // Whatever went wrong, the sender's bytes are not JSON in UTF-8, and that is all there is to say.
    throw new Problem("invalid-json");
  }
}

function tooLarge(bytesMax: number): Problem {
  return new Problem("body-too-large", `at most ${bytesMax} bytes`, { bytesMax });
}
