/** Errors of the HTTP API as programs see them: a stable code, not a sentence. */

/** A refused request: `code` is one of the table in `docs/errors.md`, or `network`. */
export interface ApiErrorShape {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly retryAfterMs?: number;
}

/** Every method of the SDK that sends a request rejects with this one. */
export class ApiError extends Error implements ApiErrorShape {
  override readonly name = "ApiError";
  /** A code of `docs/errors.md`, or `network` where no response came. */
  readonly code: string;
  /** The HTTP status; 0 where no response came. */
  readonly status: number;
  readonly detail: string;
  readonly retryAfterMs?: number;
  /** The topic concerned, where the server names one. */
  readonly topic?: string;

  constructor(code: string, status: number, detail: string, retryAfterMs?: number, topic?: string) {
    super(`${code}: ${detail}`);
    this.code = code;
    this.status = status;
    this.detail = detail;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
    if (topic !== undefined) this.topic = topic;
  }
}

/** Reads the RFC 9457 body of an error response; proxies send none. */
export async function toApiError(response: Response): Promise<ApiError> {
  const { status, headers } = response;
  const text = await response.text();
  let problem: { code?: unknown; detail?: unknown; retryAfterMs?: unknown; topic?: unknown } = {};
  if (headers.get("content-type")?.includes("json")) {
    try {
      problem = JSON.parse(text) ?? {};
    } catch {
      // A truncated body adds nothing to its status.
    }
  }
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  const retryAfterMs =
    typeof problem.retryAfterMs === "number" ? problem.retryAfterMs : seconds * 1000;
  return new ApiError(
    typeof problem.code === "string" ? problem.code : `http-${status}`,
    status,
    typeof problem.detail === "string" ? problem.detail : `status ${status}`,
    Number.isNaN(retryAfterMs) ? undefined : retryAfterMs,
    typeof problem.topic === "string" ? problem.topic : undefined,
  );
}
