/**
 * What can fail in a request, in one table: a stable `code` for programs, a status, a sentence for
 * people. Sent as RFC 9457 `application/problem+json`. `docs/errors.md` is generated from this
 * table.
 */

export const PROBLEMS = {
  "invalid-request": { status: 400, title: "These bytes are not a request of HTTP/1.1" },
  "invalid-json": { status: 400, title: "The body is not valid JSON" },
  "invalid-body": { status: 400, title: "The body does not have the expected form" },
  "invalid-text": { status: 400, title: "The text has characters that cannot be stored or shown" },
  "invalid-topic": { status: 400, title: "A topic is kind:id, for example video:42" },
  "invalid-id": { status: 400, title: "The id has characters that ids do not have" },
  "invalid-parameter": { status: 400, title: "A parameter is missing or out of range" },
  "invalid-position": { status: 400, title: "The position is not one of ours" },
  "text-too-long": { status: 400, title: "The text is longer than allowed" },
  "text-empty": { status: 400, title: "The text is empty" },
  "too-many-topics": { status: 400, title: "More topics than one connection may have" },
  "token-missing": { status: 401, title: "This needs a token" },
  "token-invalid": { status: 401, title: "The token is not valid here" },
  "token-expired": { status: 401, title: "The token has expired" },
  forbidden: { status: 403, title: "The token does not allow this" },
  "origin-not-allowed": { status: 403, title: "Pages of this origin may not change anything here" },
  "timed-out": { status: 403, title: "You have been timed out by a moderator" },
  banned: { status: 403, title: "You have been banned by a moderator" },
  "comments-closed": { status: 403, title: "Comments are closed for this video" },
  "guests-off": { status: 403, title: "Guests cannot comment here; sign in first" },
  "not-found": { status: 404, title: "There is nothing here" },
  "unknown-video": { status: 404, title: "There is no such video" },
  "unknown-comment": { status: 404, title: "There is no such comment" },
  "video-deleted": { status: 410, title: "The video was deleted" },
  "method-not-allowed": { status: 405, title: "This address does not take this method" },
  "not-acceptable": { status: 406, title: "There is no form of this that the client accepts" },
  "name-taken": { status: 409, title: "A name that looks like this one is taken here" },
  "key-reused": { status: 409, title: "The idempotency key was used for something else" },
  superseded: { status: 409, title: "A later change of this connection was made already" },
  "unknown-connection": { status: 412, title: "The connection is gone; connect again" },
  "body-too-large": { status: 413, title: "The body is larger than allowed" },
  "unknown-host": { status: 421, title: "This server is not asked for by this name" },
  "unsupported-media-type": { status: 415, title: "Send application/json or application/x-ndjson" },
  "headers-too-large": {
    status: 431,
    title: "The request line and headers are larger than allowed",
  },
  "topics-exhausted": { status: 429, title: "Too many topics are open from your address" },
  "rate-limited": { status: 429, title: "Too many requests; wait a little" },
  "internal-error": { status: 500, title: "Something went wrong here" },
  "bad-gateway": { status: 502, title: "Another part of the system did not answer" },
  unavailable: { status: 503, title: "Not available for the moment" },
  "clock-apart": { status: 503, title: "The clocks of two processes are too far apart" },
  "log-full": { status: 507, title: "The log has no room; nothing was stored" },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

/** A failed request. Thrown by handlers, turned into a response in one place. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  /** Further properties of the response, for example `retryAfterMs`. */
  readonly extra: Readonly<Record<string, unknown>>;

  /** `detail` says what to do about it, and never contains a token. */
  constructor(code: ProblemCode, detail?: string, extra: Readonly<Record<string, unknown>> = {}) {
    super(detail ?? PROBLEMS[code].title);
    this.code = code;
    this.extra = extra;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  /** The properties of the RFC 9457 body. */
  toBody(): Record<string, unknown> {
    const { status, title } = PROBLEMS[this.code];
    return {
      type: `urn:ovation:problem:${this.code}`,
      title,
      status,
      detail: this.message,
      code: this.code,
      ...this.extra,
    };
  }

  toResponse(headers: Record<string, string> = {}): Response {
    const retryAfterMs = this.extra.retryAfterMs;
    if (typeof retryAfterMs === "number")
      headers["retry-after"] = String(Math.ceil(retryAfterMs / 1000));
    if (this.status === 401) headers["www-authenticate"] = "Bearer";
    return new Response(JSON.stringify(this.toBody()), {
      status: this.status,
      headers: {
        "content-type": "application/problem+json",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        ...headers,
      },
    });
  }
}
