/**
 * How the parts offer HTTP: a list of routes over web-standard requests. `ovation/` puts the lists of
 * the roles that a process has on one listener, turns thrown Problems into answers, and adds CORS.
 */

import type { SourceAnswer } from "./source-answer.ts";

/** What the routes read of a request: a part of the web-standard `Request`, and every `Request` is one. */
export interface HttpRequest {
  readonly method: string;
  /** Absolute, with a host of ours where the client named none. */
  readonly url: string;
  readonly headers: HttpHeaders;
  /** Aborted where the client went away, or its body did not come. */
  readonly signal: { readonly aborted: boolean };
  /** Null where there is none. Taken once, by this or by `bytes`. */
  readonly body: ReadableStream<Uint8Array> | null;
  bytes(): Promise<Uint8Array>;
}

export interface HttpHeaders {
  /** In any case of letters; several of one name are joined by `, `. */
  get(name: string): string | null;
  forEach(each: (value: string, name: string) => void): void;
}

/**
 * Where the bytes of a stream go: a socket, or the simulation's network. A number means that they went
 * out; a promise that the viewer does not keep up, until it settles. What was given to `write` is not
 * changed afterwards: the rest of it is still to go.
 */
export interface ByteWriter {
  /** One call is one write to the socket. */
  write(bytes: Uint8Array): number | Promise<number>;
  /** What is written is chunks already (RFC 9112, 7.1), one or more at a time. Absent: it is the body. */
  readonly isChunked?: boolean;
  /** A clean end, after what was written. */
  end(): void;
  /** Of its socket, while nothing waits to be written and a `DirectSender` may write to it; otherwise -1, as where there is none. */
  readonly descriptor?: number;
  /** Gives up what was written and resets the stream: the one end that a peer who takes no bytes cannot put off. */
  cut(): void;
}

/** Writes the same bytes to many sockets by their descriptors. */
export interface DirectSender {
  /** Answers what sends `bytes` to a descriptor and says how many of them the kernel took. The bytes must not change while that is in use. */
  aim(bytes: Uint8Array): (descriptor: number) => number;
}

/** Who writes a stream. One of the two is called once, and `cancel` also after `start`. */
export interface StreamSource {
  /** The head of the answer has gone out. */
  start(writer: ByteWriter): void;
  /** The client went away, perhaps before `start`. Not called for an end from this side. */
  cancel(): void;
}

export interface RouteContext {
  /** Values of the `:name` parts of the path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** The peer's address, after trusted proxies. */
  readonly address: string;
  /** The answer 200 whose body is written over time, without a limit of time: for the handler to return. */
  stream(headers: Readonly<Record<string, string>>, source: StreamSource): Response;
}

/** A short answer of text. A `Response` says the same and costs the server some 3 of the 12 µs of a small request (`http/http-server.bench.ts`). */
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

export type RouteAnswer = Response | TextAnswer | SourceAnswer;

export function toResponse(answer: RouteAnswer): Response {
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
   * Calls `run` once after `ms`; the answer cancels it. With `isBackground` the timer does not keep
   * the process alive, where the clock can say so.
   */
  after(ms: number, run: () => void, isBackground?: boolean): () => void;
}

/** The wall clock, which an operator or NTP may set: for what is told and stored, and for what others' clocks are compared with. */
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
 * A clock that never jumps, by the monotonic one: for how long something waits, rests or stays good. By the
 * wall clock, whatever was due in five milliseconds would wait for minutes after that was set back.
 */
export const steadyClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after: systemClock.after,
};
