/**
 * One connection that reads requests, one after another.
 *
 * idle ──bytes──▶ head ──whole──▶ handling ──answer──▶ answering ──written──▶ idle …
 *                  │                  │                    ├──to be closed──▶ lingering ──▶ closed
 *                  └──not HTTP──▶ answering                └──a stream──▶ (EventStream takes the socket)
 *
 * A request is handled when its head is whole; its body comes in beside that. The next request waits
 * until this one is answered and its body has been read or dropped.
 */

import { Problem, type RouteAnswer, type StreamSource } from "@ovation/protocol";
import { BodyIntake } from "./body-intake.ts";
import type { CutReason } from "./cut-reason.ts";
import { ChunkedEventStream, EventStream, type StreamHost } from "./event-stream.ts";
import { readRequestHead } from "./head-cache.ts";
import { IncomingBody } from "./incoming-body.ts";
import { IncomingRequest } from "./incoming-request.ts";
import {
  ANSWER_STALLED_MS_MAX,
  BODY_MS_MAX,
  HEAD_BYTES_MAX,
  HEAD_MS_MAX,
  KEPT_AT_STOP_MS_MAX,
  LINGER_MS_MAX,
  PIPELINED_BYTES_MAX,
  REQUESTS_TOGETHER_MAX,
  SILENT_AT_STOP_MS_MAX,
} from "./limits.ts";
import { formatHead, sendAnswer, toBytes } from "./outgoing.ts";
import { canBeginRequest, type RequestHead } from "./request-head.ts";
import type { OwnedSocket, SocketOwner } from "./socket-owner.ts";
import { SocketWriter } from "./socket-writer.ts";

/** What a connection needs of its server. */
export interface ConnectionHost extends StreamHost {
  /** ms of a clock that never jumps. */
  now(): number;
  /** Answers every request. A rejection is a programmer's error, which `failed` is told. */
  handle(request: IncomingRequest, call: Call): Promise<RouteAnswer>;
  failed(error: unknown): void;
  /** A request that never reached a handler. */
  refused(problem: Problem): void;
  /** No further request is taken. */
  readonly stopping: boolean;
  /** How long a connection may wait for its next request. */
  readonly idleMs: number;
  /** The connection waits for its next request, from now on. */
  waits(connection: HttpConnection): void;
  /** The connection is a stream now, or gone: it is nobody's to sweep. */
  left(connection: HttpConnection): void;
}

/** The request under way, beside what it says. */
export interface Call {
  readonly peer: string;
  stream(headers: Readonly<Record<string, string>>, source: StreamSource): Response;
}

type State = "idle" | "head" | "handling" | "answering" | "lingering" | "closed";

interface Under {
  readonly head: RequestHead;
  readonly request: IncomingRequest;
  readonly body: IncomingBody | undefined;
  readonly intake: BodyIntake | undefined;
  stream: { readonly response: Response; readonly source: StreamSource } | undefined;
}

const HEAD_END = "\r\n\r\n";
const CONTINUE = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n");
const NOTHING = Buffer.alloc(0);
const CR = 13;
const LF = 10;

export class HttpConnection implements SocketOwner {
  state: State = "idle";
  readonly #socket: OwnedSocket;
  readonly #host: ConnectionHost;
  readonly #writer: SocketWriter;
  /** When the state began, or, while an answer is written, when it last went on: bytes went out, or the answer's next piece came. */
  #since: number;
  #input: Buffer = NOTHING;
  #under: Under | undefined;
  #paused = false;
  #requests = 0;
  /** Requests that were begun since bytes last came. */
  #together = 0;
  #peer: string | undefined;

  constructor(socket: OwnedSocket, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    this.#writer = new SocketWriter(socket);
    this.#since = host.now();
  }

  receive(bytes: Buffer): void {
    if (this.state === "lingering" || this.state === "closed") return;
    // Refused: nothing of what still comes is read.
    if (this.state === "answering" && this.#under === undefined) return;
    this.#together = 0;
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
    this.#advance();
  }

  drain(): void {
    this.#since = this.#host.now();
    this.#writer.drain();
  }

  closed(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.#input = NOTHING;
    const under = this.#under;
    if (under !== undefined) {
      under.request.signal.aborted = true;
      under.body?.fail(new Problem("invalid-body", "the body did not come"));
    }
    this.#writer.closed();
    this.#host.left(this);
  }

  /** The server stops, since then: ends a connection that waits for a request and has not brought it in some time; others end after their answer. */
  endIfIdle(stoppingSince: number): void {
    if (this.state !== "idle") return;
    const now = this.#host.now();
    const isOver =
      this.#requests === 0
        ? now - this.#since > SILENT_AT_STOP_MS_MAX
        : now - stoppingSince > KEPT_AT_STOP_MS_MAX;
    if (isOver) this.#end();
  }

  /** Ends whatever has taken too long. */
  sweep(now: number): void {
    const ms = now - this.#since;
    const body = this.#under?.body;
    if (this.state === "idle" && ms > (this.#requests === 0 ? HEAD_MS_MAX : this.#host.idleMs)) {
      this.#cut(this.#requests === 0 ? "silent" : "idle");
    } else if (this.state === "head" && ms > HEAD_MS_MAX) this.#cut("head");
    else if (this.state === "handling" && body !== undefined && !body.ended && ms > BODY_MS_MAX)
      this.#cut("body");
    else if (this.state === "answering" && ms > ANSWER_STALLED_MS_MAX) this.#cut("unread");
    else if (this.state === "lingering" && ms > LINGER_MS_MAX) this.#end();
  }

  /** Gives its place to somebody else, if nothing is asked on it now or, `unused`, ever was. */
  makeRoom(unused: boolean): boolean {
    if ((this.state !== "idle" && this.state !== "head") || (unused && this.#requests > 0))
      return false;
    this.#cut("crowded");
    return true;
  }

  /** At once: what waits to be sent is lost. */
  terminate(): void {
    this.#socket.terminate();
    this.closed();
  }

  #cut(reason: CutReason): void {
    this.#host.cut(reason);
    if (reason === "silent" || reason === "idle" || reason === "head" || reason === "crowded")
      this.#end();
    else this.terminate();
  }

  #enter(state: State): void {
    this.state = state;
    this.#since = this.#host.now();
  }

  #end(): void {
    this.#socket.end();
    this.closed();
  }

  /** What was thrown where nothing should: told, and the connection, which is in no known state, is gone. */
  #broken(error: unknown): void {
    this.#host.failed(error);
    this.terminate();
  }

  /** Takes as much of the input as can be taken now. */
  #advance(): void {
    try {
      this.#takeBody();
      if (this.state === "idle" || this.state === "head") this.#takeHead();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#refuse(error);
    }
    this.#throttle();
  }

  #takeHead(): void {
    let input = this.#input;
    // [spec] RFC 9112, 2.2: an empty line before a request is ignored.
    let start = 0;
    while (input[start] === CR && input[start + 1] === LF) start += 2;
    if (start > 0) this.#input = input = input.subarray(start);
    if (input.length === 0) return;
    if (this.state === "idle") this.#enter("head");
    if (input.length === 1 && input[0] === CR) return;
    if (!canBeginRequest(input[0] ?? 0)) throw new Problem("invalid-request");
    const end = input.indexOf(HEAD_END);
    if (end > HEAD_BYTES_MAX || (end < 0 && input.length > HEAD_BYTES_MAX)) {
      throw new Problem("headers-too-large", `at most ${HEAD_BYTES_MAX} bytes before the body`);
    }
    if (end < 0) return;
    const head = readRequestHead(input.toString("latin1", 0, end));
    this.#input =
      input.length === end + HEAD_END.length ? NOTHING : input.subarray(end + HEAD_END.length);
    this.#begin(head);
  }

  #begin(head: RequestHead): void {
    this.#requests++;
    this.#together++;
    this.#enter("handling");
    const form = head.body;
    const body =
      form.kind === "none" ? undefined : new IncomingBody({ onWanted: () => this.#wanted(head) });
    const request = new IncomingRequest(head, body);
    const under: Under = {
      head,
      request,
      body,
      intake: body === undefined || form.kind === "none" ? undefined : new BodyIntake(form, body),
      stream: undefined,
    };
    this.#under = under;
    this.#takeBody();
    this.#peer ??= this.#socket.remoteAddress;
    const call: Call = {
      peer: this.#peer ?? "",
      stream(headers, source) {
        const response = new Response(null, { headers });
        under.stream = { response, source };
        return response;
      },
    };
    this.#host
      .handle(request, call)
      .catch((error: unknown) => {
        this.#host.failed(error);
        return new Problem("internal-error").toResponse();
      })
      .then((answer) => this.#answer(under, answer))
      .catch((error: unknown) => this.#broken(error));
  }

  #takeBody(): void {
    const taken = this.#under?.intake?.take(this.#input) ?? 0;
    if (taken > 0)
      this.#input = taken === this.#input.length ? NOTHING : this.#input.subarray(taken);
  }

  #wanted(head: RequestHead): void {
    if (head.expectsContinue && this.state === "handling") void this.#writer.write(CONTINUE);
    this.#throttle();
  }

  /** Reads no faster than is taken. */
  #throttle(): void {
    if (this.state === "closed") return;
    const under = this.#under;
    const full =
      under !== undefined &&
      (under.body?.isFull === true || this.#input.length > PIPELINED_BYTES_MAX);
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Not a request: said, and the connection ends, since nobody knows where the next one would begin. */
  #refuse(problem: Problem): void {
    this.#host.refused(problem);
    this.#input = NOTHING;
    this.#enter("answering");
    this.#send(problem.toResponse(), { isHead: false, keepAlive: false }, () => this.#linger());
  }

  #answer(under: Under, answer: RouteAnswer): void {
    const { stream, head } = under;
    const isStream = stream !== undefined && stream.response === answer;
    if (this.state === "closed") {
      if (isStream) stream.source.cancel();
      else if (answer instanceof Response) void answer.body?.cancel().catch(() => {});
      return;
    }
    this.#enter("answering");
    if (isStream) {
      this.#become(stream.response, stream.source, head.isOld ? undefined : "chunked");
      return;
    }
    const closes =
      answer instanceof Response && answer.headers.get("connection")?.toLowerCase() === "close";
    const keepAlive = head.keepAlive && !this.#host.stopping && !closes && isNextFindable(under);
    this.#send(answer, { isHead: head.method === "HEAD", keepAlive }, () =>
      this.#answered(under, keepAlive),
    );
  }

  #answered(under: Under, keepAlive: boolean): void {
    if (this.#isClosed()) return;
    const { body, intake } = under;
    const unheard = body?.isWanted === false ? intake?.problem : undefined;
    // A body that nobody wanted is read to its end and dropped: then the next request begins.
    body?.drop();
    if (!keepAlive) {
      if (unheard !== undefined) this.#host.refused(unheard);
      this.#linger();
    } else if (unheard !== undefined) this.#refuse(unheard);
    else if (body?.ended === false) this.#dropBody(under);
    else this.#next();
  }

  #isClosed(): boolean {
    return this.state === "closed";
  }

  #dropBody(under: Under): void {
    this.#enter("handling");
    this.#throttle();
    under.body
      ?.bytes()
      .then(
        () => this.#next(),
        () => {
          if (!this.#isClosed())
            this.#refuse(
              under.intake?.problem ?? new Problem("invalid-request", "the body is malformed"),
            );
        },
      )
      .catch((error: unknown) => this.#broken(error));
  }

  #next(): void {
    if (this.#isClosed()) return;
    this.#under = undefined;
    this.#enter("idle");
    if (this.#host.stopping) this.#end();
    else if (this.#input.length === 0) {
      this.#host.waits(this);
      this.#throttle();
    } else if (this.#together < REQUESTS_TOGETHER_MAX) this.#advance();
    else this.#advanceLater();
  }

  /** Requests that came together are answered one after another without a look at any other socket; so not too many of them. */
  #advanceLater(): void {
    this.#together = 0;
    this.#enter("head");
    setImmediate(() => {
      try {
        if (!this.#isClosed()) this.#advance();
      } catch (error) {
        this.#broken(error);
      }
    });
  }

  #become(response: Response, source: StreamSource, length: "chunked" | undefined): void {
    const Stream = length === "chunked" ? ChunkedEventStream : EventStream;
    const stream = new Stream(this.#socket, source, this.#host);
    this.#socket.data = stream;
    this.#under = undefined;
    this.state = "closed";
    this.#host.left(this);
    if (this.#paused) this.#socket.resume();
    void stream.write(
      toBytes(
        formatHead(response.status, response.headers, { length, keepAlive: false }),
        undefined,
      ),
    );
    source.start(stream);
  }

  #send(
    answer: RouteAnswer,
    form: { readonly isHead: boolean; readonly keepAlive: boolean },
    sent: () => void,
  ): void {
    const written = sendAnswer(answer, {
      ...form,
      writer: this.#writer,
      isOver: () => this.#isClosed(),
      onProgress: () => {
        this.#since = this.#host.now();
      },
      onBroken: () => {
        if (!this.#isClosed()) this.#cut("broken");
      },
    });
    if (typeof written === "number") sent();
    else written.then(sent).catch((error: unknown) => this.#broken(error));
  }

  /** Our end is said; the client's unread bytes must not reset the connection before it has read the answer. */
  #linger(): void {
    if (this.#isClosed()) return;
    this.#input = NOTHING;
    this.#under = undefined;
    this.#enter("lingering");
    if (this.#paused) this.#socket.resume();
    this.#paused = false;
    this.#socket.shutdown();
  }
}

/** Whether it is known where the next request will begin: not behind a body that was asked for and is malformed, nor where the client still waits for its `100 Continue`. */
function isNextFindable({ head, body, intake }: Under): boolean {
  if (intake?.problem !== undefined && body?.isWanted === true) return false;
  return !(head.expectsContinue && body?.ended === false);
}
