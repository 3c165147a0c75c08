/** A request as the routes see it. */

import type { HttpHeaders, HttpRequest } from "@ovation/protocol";
import type { IncomingBody } from "./incoming-body.ts";
import type { RequestHead } from "./request-head.ts";

const NOTHING = new Uint8Array(0);
const HOST_UNNAMED = "localhost";

export class IncomingRequest implements HttpRequest {
  readonly method: string;
  readonly headers: HttpHeaders;
  /** One object that changes, and no AbortController: it has no listeners, handlers only look. */
  readonly signal: { aborted: boolean } = { aborted: false };
  readonly #target: string;
  readonly #body: IncomingBody | undefined;

  constructor(head: RequestHead, body: IncomingBody | undefined) {
    this.method = head.method;
    this.headers = head.headers;
    this.#target = head.target;
    this.#body = body;
  }

  /** The path as it was sent, without the query. */
  get path(): string {
    const target = this.#target;
    const from = target.startsWith("/") ? 0 : afterAuthority(target);
    const query = target.indexOf("?", from);
    return target.slice(from, query < 0 ? target.length : query) || "/";
  }

  /**
   * A client of HTTP/1.0 may name no host, and one of 1.1 an empty one: then there is one of ours.
   */
  get url(): string {
    const target = this.#target;
    if (!target.startsWith("/")) return target;
    return `http://${this.headers.get("host") || HOST_UNNAMED}${target}`;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#body?.stream() ?? null;
  }

  bytes(): Promise<Uint8Array> {
    return this.#body?.bytes() ?? Promise.resolve(NOTHING);
  }
}

/**
 * [spec] RFC 9112, 3.2.2: a server takes an absolute target as well; its host says nothing to us.
 */
function afterAuthority(target: string): number {
  const scheme = target.indexOf("://");
  if (scheme < 0) return 0;
  const end = target.slice(scheme + 3).search(/[/?]/);
  return end < 0 ? target.length : scheme + 3 + end;
}
