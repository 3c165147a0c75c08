/**
 * One connection that reads requests, one after another.
 *
 * idle ──bytes──▶ head ──whole──▶ handling ──answer──▶ answering ──written──▶ idle …
 *                  │                  │                    ├──to be closed──▶ lingering ──▶ closed
 *                  └──not HTTP──▶ answering                └──stream──▶ (EventStream)
 *
 * A request is handled when its head is whole; its body comes in beside that. The next request
 * waits until this one is answered. A request that is answered before its body is whole is the last
 * one: one request has one answer, and nothing of what still comes is read as another.
 */

import { addressGroupOf, Problem, type RouteAnswer, StreamAnswer } from "@ovation/protocol";
import { ChunkedEventStream, EventStream } from "../event-stream.ts";
import {
  ANSWER_STALLED_MS_MAX,
  BODY_BYTES_AHEAD_MAX,
  BODY_MS_MAX,
  HEAD_MS_MAX,
  KEPT_AT_STOP_MS_MAX,
  LINGER_MS_MAX,
  LINGER_TOTAL_MS_MAX,
  PIPELINED_BYTES_MAX,
  REQUESTS_TOGETHER_MAX,
  SILENT_AT_STOP_MS_MAX,
  UNREAD_ANSWER_BYTES_MIN,
} from "../limits.ts";
import { formatHead, formatHeaders, sendAnswer, toBytes } from "../outgoing.ts";
import type { ByteHold } from "../shared-bytes.ts";
import type { OwnedSocket, SocketOwner } from "../socket-owner.ts";
import { EvictionRank, type PooledSocket } from "../socket-pool.ts";
import { SocketWriter } from "../socket-writer.ts";
import type { ConnectionHost, HostedConnection } from "./connection-host.ts";
import type { CutReason } from "./cut-reason.ts";
import { takeHead } from "./head-intake.ts";
import type { RequestHead } from "./request-head.ts";
import { beginRequest, isWhole, type RequestInFlight } from "./request-in-flight.ts";

type State = "idle" | "head" | "handling" | "answering" | "lingering" | "closed";

const CONTINUE = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n");
const NOTHING = Buffer.alloc(0);

export class HttpConnection implements SocketOwner, HostedConnection {
  state: State = "idle";
  address = "";
  nextOfAddress: PooledSocket | undefined;
  previousOfAddress: PooledSocket | undefined;
  readonly #socket: OwnedSocket;
  readonly #host: ConnectionHost;
  readonly #writer: SocketWriter;
  /** When the state began, or last progressed: bytes were sent, or came while it lingers. */
  #since: number;
  #lingerUntil = 0;
  #input: Buffer = NOTHING;
  #inFlight: RequestInFlight | undefined;
  #paused = false;
  #requests = 0;
  /** Requests that were begun since bytes last came. */
  #together = 0;
  /** The request in flight is the last one: what still comes is dropped. */
  #last = false;
  /** The other end of the socket, and what it counts as. */
  readonly #peer: string;
  readonly home: string;
  #bodyHold: ByteHold | undefined;

  constructor(socket: OwnedSocket, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    this.#writer = new SocketWriter(socket);
    this.#since = host.now();
    this.#peer = socket.remoteAddress ?? "";
    this.home = addressGroupOf(this.#peer);
  }

  get evictionRank(): EvictionRank {
    switch (this.state) {
      case "handling":
        return this.#inFlight?.body?.ended === false ? EvictionRank.body : EvictionRank.working;
      case "answering":
        return EvictionRank.answer;
      case "lingering":
        return EvictionRank.idle;
      default:
        return this.#requests === 0 ? EvictionRank.silent : EvictionRank.idle;
    }
  }

  receive(bytes: Buffer): void {
    if (this.state === "lingering") this.#since = this.#host.now();
    if (this.#last || this.state === "closed") return;
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
    this.#bodyHold?.release();
    const inFlight = this.#inFlight;
    if (inFlight !== undefined) {
      inFlight.request.signal.aborted = true;
      inFlight.body?.fail(new Problem("invalid-body", "the body did not come"));
    }
    this.#writer.closed();
    this.#host.left(this);
  }

  endIfIdle(stoppingSince: number): void {
    if (this.state !== "idle") return;
    const now = this.#host.now();
    const isOver =
      this.#requests === 0
        ? now - this.#since > SILENT_AT_STOP_MS_MAX
        : now - stoppingSince > KEPT_AT_STOP_MS_MAX;
    if (isOver) this.#end();
  }

  sweep(now: number): void {
    const ms = now - this.#since;
    const body = this.#inFlight?.body;
    if (this.state === "idle" && ms > (this.#requests === 0 ? HEAD_MS_MAX : this.#host.idleMs)) {
      this.#cut(this.#requests === 0 ? "silent" : "idle");
    } else if (this.state === "head" && ms > HEAD_MS_MAX) this.#cut("head");
    else if (this.state === "handling" && body !== undefined && !body.ended && ms > BODY_MS_MAX)
      this.#cut("body");
    else if (this.state === "answering" && ms > ANSWER_STALLED_MS_MAX) this.#cut("unread");
    else if (this.state === "lingering" && (ms > LINGER_MS_MAX || now > this.#lingerUntil))
      this.#end();
  }

  /** Closes the socket: it was evicted for another one, or its address holds too much. */
  evict(): void {
    this.#cut("crowded");
  }

  /** At once: unsent bytes are lost. */
  terminate(): void {
    this.#socket.terminate();
    this.closed();
  }

  #cut(reason: CutReason): void {
    this.#host.cut(reason);
    if (this.#inFlight === undefined) this.#end();
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

  /** Unexpected error: report it and drop the connection; its state is unknown. */
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
    const { head, rest } = takeHead(this.#input);
    this.#input = rest;
    if (head !== undefined) this.#begin(head);
    else if (rest.length > 0 && this.state === "idle") this.#enter("head");
  }

  #begin(head: RequestHead): void {
    this.#requests++;
    this.#together++;
    this.#enter("handling");
    const inFlight = beginRequest(head, () => this.#wanted(head));
    const { request } = inFlight;
    this.#inFlight = inFlight;
    const address = this.#host.addressOf(request, this.#peer);
    if (address !== this.address) this.#host.moved(this, address);
    this.#takeBody();
    this.#host
      .handle(request, { peer: this.#peer })
      .catch((error: unknown) => {
        this.#host.failed(error);
        return new Problem("internal-error").toResponse();
      })
      .then((answer) => this.#answer(inFlight, answer))
      .catch((error: unknown) => this.#broken(error));
  }

  #takeBody(): void {
    const { intake, body } = this.#inFlight ?? {};
    if (intake === undefined || body === undefined || body.ended) return;
    const taken = intake.take(this.#input);
    if (taken > 0)
      this.#input = taken === this.#input.length ? NOTHING : this.#input.subarray(taken);
    if (body.ended) this.#bodyHold?.release();
    else {
      this.#bodyHold ??= this.#host.bodies.hold(this.address);
      this.#bodyHold.set(Math.max(intake.received, BODY_BYTES_AHEAD_MAX));
    }
  }

  #wanted(head: RequestHead): void {
    if (head.expectsContinue && this.state === "handling") void this.#writer.write(CONTINUE);
    this.#throttle();
  }

  /** Reads no faster than is taken. */
  #throttle(): void {
    if (this.state === "closed") return;
    const inFlight = this.#inFlight;
    const full =
      inFlight !== undefined &&
      (inFlight.body?.isFull === true || this.#input.length > PIPELINED_BYTES_MAX);
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Not a request: respond and close, since the start of the next one is unknown. */
  #refuse(problem: Problem): void {
    this.#host.refused(problem);
    this.#endAfterAnswer();
    this.#enter("answering");
    this.#send(problem.toResponse(), { isHead: false, keepAlive: false }, () => this.#linger());
  }

  #answer(inFlight: RequestInFlight, answer: RouteAnswer): void {
    const { head } = inFlight;
    if (this.state === "closed") {
      if (answer instanceof StreamAnswer) answer.source.cancel();
      else if (answer instanceof Response) void answer.body?.cancel().catch(() => {});
      return;
    }
    this.#enter("answering");
    if (answer instanceof StreamAnswer) {
      this.#become(answer, head.isOld ? undefined : "chunked");
      return;
    }
    const closes =
      answer instanceof Response && answer.headers.get("connection")?.toLowerCase() === "close";
    const keepAlive = head.keepAlive && !this.#host.stopping && !closes && isWhole(inFlight);
    if (!keepAlive) this.#endAfterAnswer();
    this.#send(answer, { isHead: head.method === "HEAD", keepAlive }, () =>
      this.#answered(inFlight, keepAlive),
    );
  }

  #endAfterAnswer(): void {
    this.#last = true;
    this.#input = NOTHING;
    this.#bodyHold?.release();
  }

  #answered({ body, intake }: RequestInFlight, keepAlive: boolean): void {
    if (this.#isClosed()) return;
    if (body?.isWanted === false && intake?.problem !== undefined)
      this.#host.refused(intake.problem);
    body?.drop();
    if (keepAlive) this.#next();
    else this.#linger();
  }

  #isClosed(): boolean {
    return this.state === "closed";
  }

  #next(): void {
    if (this.#isClosed()) return;
    this.#inFlight = undefined;
    this.#bodyHold = undefined;
    this.#enter("idle");
    if (this.address !== this.home) this.#host.moved(this, this.home);
    if (this.#host.stopping) this.#end();
    else if (this.#input.length === 0) {
      this.#host.waits(this);
      this.#throttle();
    } else if (this.#together < REQUESTS_TOGETHER_MAX) this.#advance();
    else this.#advanceLater();
  }

  /**
   * Requests that came together are answered one after another without a look at any other socket;
   * so not too many of them.
   */
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

  #become({ status, headers, source }: StreamAnswer, length: "chunked" | undefined): void {
    const Stream = length === "chunked" ? ChunkedEventStream : EventStream;
    const stream = new Stream(this.#socket, source, this.#host);
    this.#socket.data = stream;
    this.#inFlight = undefined;
    this.state = "closed";
    this.#bodyHold?.release();
    this.#host.became(this, stream);
    if (this.#paused) this.#socket.resume();
    void stream.write(
      toBytes(formatHead(status, formatHeaders(headers), { length, keepAlive: false }), undefined),
    );
    source.start(stream);
  }

  #send(
    answer: Exclude<RouteAnswer, StreamAnswer>,
    form: { readonly isHead: boolean; readonly keepAlive: boolean },
    sent: () => void,
  ): void {
    let hold: ByteHold | undefined;
    const written = sendAnswer(answer, {
      ...form,
      writer: this.#writer,
      isOver: () => this.#isClosed(),
      onProgress: () => {
        this.#since = this.#host.now();
      },
      onWaiting: () => {
        hold ??= this.#host.unread.hold(this.address);
        hold.set(Math.max(this.#writer.waitingBytes, UNREAD_ANSWER_BYTES_MIN));
      },
      onBroken: () => {
        if (!this.#isClosed()) this.#cut("broken");
      },
    });
    if (typeof written === "number") {
      sent();
      return;
    }
    written
      .then(sent)
      .catch((error: unknown) => this.#broken(error))
      .finally(() => hold?.release());
  }

  /**
   * Our end is closed; the client's unread bytes must not reset the connection before it has read
   * the response.
   */
  #linger(): void {
    if (this.#isClosed()) return;
    this.#inFlight = undefined;
    this.#enter("lingering");
    this.#lingerUntil = this.#since + LINGER_TOTAL_MS_MAX;
    if (this.#paused) this.#socket.resume();
    this.#paused = false;
    this.#socket.shutdown();
  }
}
