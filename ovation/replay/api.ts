/**
 * The two calls of the public HTTP API that a replay needs, with patience: a 429 is waited for, a
 * server that does not answer is asked again, anything else is the caller's.
 */

import type { Clock } from "@ovation/protocol";
import {
  ATTEMPTS_MAX,
  RATE_LIMIT_WAIT_MS,
  RETRY_FIRST_MS,
  RETRY_LONGEST_MS,
  TIMER_MS_MAX,
} from "./limits.ts";

export interface ApiOptions {
  /** No slash at its end; for example `http://localhost:8080` or `https://example.org/live`. */
  readonly url: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Told before every wait for a rate limit. */
  onRateLimit?(waitMs: number): void;
}

/** An answer that is not a success; `code` is one of the table in `docs/errors.md`. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** The server did not answer, however often it was asked. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

export interface Api {
  /**
   * Resolves with the comment's number once it is stored. The same `clientId` again is the same
   * comment.
   */
  comment(videoId: string, text: string, clientId: string, token: string): Promise<number>;
  /** A guest's token. */
  guest(name: string): Promise<string>;
}

export function createApi(options: ApiOptions): Api {
  async function post(
    path: string,
    body: unknown,
    token?: string,
  ): Promise<Record<string, unknown>> {
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    let failures = 0;
    for (;;) {
      const answer = await attempt(`${options.url}${path}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        signal: options.signal,
      });
      if (answer.kind === "answered") return answer.body;
      if (answer.kind === "rate-limited") {
        options.onRateLimit?.(answer.waitMs);
        await sleep(options.clock, answer.waitMs, options.signal);
        continue;
      }
      if (++failures >= ATTEMPTS_MAX)
        throw new UnreachableError(`${options.url}: ${answer.reason}, ${failures} times`);
      const longest = Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** failures);
      await sleep(options.clock, longest * (0.5 + options.random() / 2), options.signal);
    }
  }

  return {
    async comment(videoId, text, clientId, token) {
      const body = await post(
        `/v1/videos/${encodeURIComponent(videoId)}/comments`,
        { text, clientId },
        token,
      );
      if (typeof body.seq !== "number")
        throw new UnreachableError(
          `${options.url}: answered without a number; is this an Ovation server?`,
        );
      return body.seq;
    },
    async guest(name) {
      const body = await post("/v1/guests", { name });
      if (typeof body.token !== "string")
        throw new UnreachableError(
          `${options.url}: answered without a token; is this an Ovation server?`,
        );
      return body.token;
    },
  };
}

type Attempt =
  | { readonly kind: "answered"; readonly body: Record<string, unknown> }
  | { readonly kind: "rate-limited"; readonly waitMs: number }
  /** Worth another try. */
  | { readonly kind: "failed"; readonly reason: string };

async function attempt(url: string, request: RequestInit): Promise<Attempt> {
  let response: Response;
  let body: Record<string, unknown>;
  try {
    response = await fetch(url, request);
    body = await readObject(response);
  } catch (error) {
    if (request.signal?.aborted) throw error;
    return { kind: "failed", reason: error instanceof Error ? error.message : "no answer" };
  }
  if (response.ok) return { kind: "answered", body };
  if (response.status === 429) {
    const seconds = Number(response.headers.get("retry-after"));
    const waitMs =
      typeof body.retryAfterMs === "number"
        ? body.retryAfterMs
        : seconds > 0
          ? seconds * 1000
          : RATE_LIMIT_WAIT_MS;
    return { kind: "rate-limited", waitMs };
  }
  const detail = typeof body.detail === "string" ? body.detail : response.statusText;
  if (response.status >= 500 && response.status !== 507)
    return { kind: "failed", reason: `answered ${response.status} ${detail}` };
  throw new RefusedError(response.status, typeof body.code === "string" ? body.code : "", detail);
}

/** The JSON object of an answer; an empty one where it has none (a proxy's page, say). */
async function readObject(response: Response): Promise<Record<string, unknown>> {
  const text = await response.text();
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    // The status is enough: a caller that needs a property of the body finds it missing.
    return {};
  }
}

/** Resolves after `ms` of the clock; rejects when the signal stops it. */
export async function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  for (let left = ms; left > 0 || left === ms; left -= TIMER_MS_MAX)
    await sleepOnce(clock, Math.min(left, TIMER_MS_MAX), signal);
}

function sleepOnce(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
