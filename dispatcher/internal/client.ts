/** Signed calls to the internal listeners of other processes. */

import { PROBLEMS, Problem, type ProblemCode } from "@ovation/protocol";
import type { InternalAuth } from "./auth.ts";

/** Of Bun's `fetch` and `WebSocket`: trusted CAs, and a certificate for mutual TLS. PEM texts. */
export interface InternalTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface InternalClientOptions {
  readonly auth: InternalAuth;
  /** This process, in `ovation-from`. */
  readonly from: string;
  readonly tls?: InternalTls;
  /** Of one response; beyond, the call has failed. Default ANSWER_BYTES_MAX. */
  readonly answerBytesMax?: number;
}

/** No valid response from this URL; another one may respond. The call may have been carried out. */
export class CallFailedError extends Error {
  override readonly name = "CallFailedError";
  /** Certain that nothing was sent: the connection was refused. */
  readonly nothingSent: boolean;
  /** Of a response that is a problem; `not-found`: a process of a version without this call. */
  readonly code: ProblemCode | undefined;

  constructor(message: string, nothingSent = false, code?: ProblemCode) {
    super(message);
    this.nothingSent = nothingSent;
    this.code = code;
  }
}

export interface InternalClient {
  /**
   * POSTs the body. Resolves with the value of the response; rejects with the Problem in it, or
   * with {@link CallFailedError} where there was no valid response in time.
   */
  call(
    url: string,
    path: string,
    body: string,
    options: { readonly timeoutMs: number; readonly to?: string; readonly contentType?: string },
  ): Promise<unknown>;
}

/** The largest valid response is a page of events. */
export const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export function createInternalClient({
  auth,
  from,
  tls,
  answerBytesMax = ANSWER_BYTES_MAX,
}: InternalClientOptions): InternalClient {
  return {
    async call(url, path, body, { timeoutMs, to = "", contentType = "application/json" }) {
      const headers = {
        ...auth.sign({ method: "POST", path, from, to, body }),
        "content-type": contentType,
      };
      const response = await attempt(url, () =>
        fetch(url + path, {
          method: "POST",
          headers,
          body,
          redirect: "error",
          signal: AbortSignal.timeout(timeoutMs),
          ...(tls === undefined ? {} : { tls }),
        }),
      );
      const text = await attempt(url, () => readText(response, answerBytesMax));
      if (response.status === 204) return undefined;
      const value = parse(url, text);
      if (response.ok) return value;
      throw toError(url, response.status, value);
    },
  };
}

/** A response without a content length is bounded while it is read. */
async function readText(response: Response, bytesMax: number): Promise<string> {
  const announced = response.headers.get("content-length");
  if (announced !== null && Number(announced) <= bytesMax) return response.text();
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > bytesMax || announced !== null) throw new Error("the answer is too large");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

async function attempt<T>(url: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const refused = (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
    throw new CallFailedError(
      `${url}: ${error instanceof Error ? error.message : String(error)}`,
      refused,
    );
  }
}

function parse(url: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CallFailedError(`${url}: the answer is not JSON`);
  }
}

/** A problem of the process, not of the call, counts as no response: another process may work. */
function toError(url: string, status: number, value: unknown): Error {
  const { code, detail, ...extra } = (
    typeof value === "object" && value !== null ? value : {}
  ) as Record<string, unknown>;
  if (
    typeof code !== "string" ||
    !isProblemCode(code) ||
    code === "internal-error" ||
    code === "not-found" ||
    // About the signature of this process, not about the request of its client.
    code === "token-invalid"
  ) {
    const known = typeof code === "string" && isProblemCode(code) ? code : undefined;
    return new CallFailedError(`${url}: answered ${status} ${known ?? ""}`, false, known);
  }
  const { type: _type, title: _title, status: _status, ...rest } = extra;
  return new Problem(code, typeof detail === "string" ? detail : undefined, rest);
}

function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(PROBLEMS, text);
}
