/**
 * Requests to the HTTP API: token, timeout, one renewal of an expired token, errors as {@link
 * ApiError}.
 */

import type { Clock } from "@ovation/protocol";
import {
  REQUEST_RETRIES_MAX,
  REQUEST_RETRY_MS,
  REQUEST_TIMEOUT_MS,
  RETRY_AFTER_MS_MAX,
} from "../limits.ts";
import { randomText } from "../random-text.ts";
import { tried } from "../tried.ts";
import type { RequestOptions } from "../types.ts";
import { ApiError, toApiError } from "./api-error.ts";
import { backoffMs } from "./backoff.ts";
import type { TokenKeeper } from "./token-keeper.ts";

/** Resolves with the JSON of a success. Rejects with an {@link ApiError}, and nothing else. */
export type SendRequest = (
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  options?: RequestOptions,
) => Promise<unknown>;

export function createSendRequest(
  url: string,
  token: TokenKeeper,
  fetchFunction: typeof fetch,
): SendRequest {
  async function send(
    method: string,
    path: string,
    { body, keepalive }: RequestOptions,
    bearer: string | undefined,
  ): Promise<unknown> {
    const headers: Record<string, string> = { accept: "application/json" };
    if (bearer !== undefined) headers["authorization"] = `Bearer ${bearer}`;
    if (body !== undefined) headers["content-type"] = "application/json";
    const response = await fetchFunction(`${url}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(keepalive === true && { keepalive }),
      ...timeoutOf(REQUEST_TIMEOUT_MS),
    });
    if (!response.ok) throw await toApiError(response);
    return response.json();
  }

  return async (method, path, options = {}) => {
    try {
      const bearer = await token.get();
      try {
        return await send(method, path, options, bearer);
      } catch (error) {
        if (!(error instanceof ApiError && error.code === "token-expired" && token.renewable))
          throw error;
        return await send(method, path, options, await token.renew(bearer));
      }
    } catch (error) {
      throw error instanceof ApiError ? error : new ApiError("network", 0, String(error));
    }
  };
}

/** Statuses after which the same request is retried. */
const PASSING_STATUSES = new Set([0, 502, 503, 504]);

/** A read is also retried where the server asks for a pause. */
export const READ_PASSING_STATUSES = new Set([...PASSING_STATUSES, 429]);

/** Retries what the network or a restart lost: for idempotent requests. */
export type Persist = (run: () => Promise<unknown>) => Promise<unknown>;

export function createPersist(
  clock: Clock,
  random: () => number,
  passing: ReadonlySet<number> = PASSING_STATUSES,
): Persist {
  return async (run) => {
    for (let retry = 0; ; retry++) {
      try {
        return await run();
      } catch (error) {
        const { status, retryAfterMs } = error as ApiError;
        if (retry >= REQUEST_RETRIES_MAX || !passing.has(status)) throw error;
        if (retryAfterMs !== undefined && retryAfterMs > RETRY_AFTER_MS_MAX) throw error;
        // Jitter, so that clients that were refused together do not return together.
        const waitMs = (retryAfterMs ?? backoffMs(retry, REQUEST_RETRY_MS)) * (1 + random());
        await new Promise<void>((resolve) => clock.after(waitMs, resolve));
      }
    }
  };
}

/** A browser without `AbortSignal.timeout` ends a request by itself, later. */
function timeoutOf(ms: number): { readonly signal?: AbortSignal } {
  const signal = tried(() => AbortSignal.timeout(ms));
  return signal === undefined ? {} : { signal };
}

/** 128 random bits. */
export function newClientId(): string {
  return randomText(16);
}
