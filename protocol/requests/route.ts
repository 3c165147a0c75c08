/**
 * How each folder offers HTTP: a list of routes over web-standard requests. `ovation/` puts the
 * lists of a process's roles on one listener, turns thrown Problems into responses, and adds CORS.
 */

import type { SourceAnswer } from "./source-answer.ts";

/** What the routes read of a request: a subset of the web-standard `Request`, which fits it. */
export interface HttpRequest {
  readonly method: string;
  /** Absolute, with a host of ours where the client sent none. */
  readonly url: string;
  readonly headers: HttpHeaders;
  /** Aborted when the client disconnects, or its body does not arrive. */
  readonly signal: { readonly aborted: boolean };
  /** Null where there is none. Read once, by this or by `bytes`. */
  readonly body: ReadableStream<Uint8Array> | null;
  bytes(): Promise<Uint8Array>;
}

export interface HttpHeaders {
  /** Case-insensitive; several of one name are joined by `, `. */
  get(name: string): string | null;
  forEach(each: (value: string, name: string) => void): void;
}

/**
 * Where the bytes of a stream go: a socket, or the simulation's network. A number means that they
 * were sent; a promise, that the viewer does not keep up until it settles. The caller never changes
 * what it passed to `write`: the rest of it is still to be sent.
 */
export interface ByteWriter {
  /** One call is one write to the socket. */
  write(bytes: Uint8Array): number | Promise<number>;
  /**
   * What is written is already chunks (RFC 9112, 7.1), one or more at a time. Absent: it is the
   * body.
   */
  readonly isChunked?: boolean;
  /** A clean end, after all written bytes. */
  end(): void;
  /**
   * The socket's descriptor, while nothing is buffered and a `DirectSender` may write to it;
   * otherwise -1, also where there is none.
   */
  readonly descriptor?: number;
  /**
   * Discards what was written and resets the stream: the one end that a peer who reads nothing
   * cannot delay.
   */
  cut(): void;
}

/** Writes the same bytes to many sockets by their descriptors. */
export interface DirectSender {
  /**
   * Returns a function that sends `bytes` to a descriptor and returns how many the kernel took. The
   * bytes must not change while it is in use.
   */
  aim(bytes: Uint8Array): (descriptor: number) => number;
}

/** Writes a stream. Either method is called once, and `cancel` also after `start`. */
export interface StreamSource {
  /** The head of the response was sent. */
  start(writer: ByteWriter): void;
  /** The client disconnected, perhaps before `start`. Not called for an end from this side. */
  cancel(): void;
}

export interface RouteContext {
  /** Values of the `:name` parts of the path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** The peer's IP address, after trusted proxies. */
  readonly address: string;
}

/**
 * A short response of text. A `Response` is equivalent and costs the server some 3 of the 12 µs of
 * a small request (`http/http-server.bench.ts`).
 */
export class TextAnswer {
  readonly body: string;
  readonly status: number;
  /** Names in lower case, values in ASCII. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(body: string, status: number, headers: Readonly<Record<string, string>>) {
    this.body = body;
    this.status = status;
    this.headers = headers;
  }

  toResponse(): Response {
    return new Response(this.body, { status: this.status, headers: this.headers });
  }
}

/** A 200 response whose body is written over time, without a deadline. */
export class StreamAnswer {
  readonly status = 200;
  /** Names in lower case, values in ASCII. */
  readonly headers: Readonly<Record<string, string>>;
  readonly source: StreamSource;

  constructor(headers: Readonly<Record<string, string>>, source: StreamSource) {
    this.headers = headers;
    this.source = source;
  }

  withHeaders(more: Readonly<Record<string, string>>): StreamAnswer {
    return new StreamAnswer({ ...this.headers, ...more }, this.source);
  }
}

export type RouteAnswer = Response | TextAnswer | SourceAnswer | StreamAnswer;

/** For listeners without streams. */
export function toResponse(answer: RouteAnswer): Response {
  if (answer instanceof StreamAnswer) throw new Error("this listener does not write streams");
  return answer instanceof Response ? answer : answer.toResponse();
}

const JSON_HEADERS = {
  "content-type": "application/json",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

/** `body` is JSON text. */
export function jsonAnswer(body: string, status = 200): TextAnswer {
  return new TextAnswer(body, status, JSON_HEADERS);
}

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "PATCH";
  /** `/v1/videos/:id/comments` */
  readonly path: string;
  handle(request: HttpRequest, context: RouteContext): RouteAnswer | Promise<RouteAnswer>;
}

/** Randomness and time as arguments: the simulation replays a cluster from a seed. */
export interface Clock {
  /** ms since 1970. */
  now(): number;
  /**
   * Calls `run` once after `ms`; the returned function cancels it. With `isBackground` the timer
   * does not keep the process alive, where the clock supports it.
   */
  after(ms: number, run: () => void, isBackground?: boolean): () => void;
}

/**
 * The wall clock, which an operator or NTP may set: for times that are shown, stored, or compared
 * with another machine's clock.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run, isBackground = false) {
    const timer: unknown = setTimeout(run, ms);
    // A number in a browser, which has no process to keep alive.
    if (isBackground && typeof timer === "object" && timer !== null && "unref" in timer)
      (timer as { unref(): void }).unref();
    return () => clearTimeout(timer as ReturnType<typeof setTimeout>);
  },
};

/**
 * A monotonic clock: for delays, timeouts and ages. By the wall clock, a delay of five milliseconds
 * would last for minutes after that was set back.
 */
export const steadyClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after: systemClock.after,
};
