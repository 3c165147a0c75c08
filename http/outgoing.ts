/** A response on the path to its socket. */

import { STATUS_CODES } from "node:http";
import {
  type FileSource,
  type RouteAnswer,
  SourceAnswer,
  type StreamAnswer,
  TextAnswer,
} from "@ovation/protocol";
import { ANSWER_BYTES_WHOLE_MAX } from "./limits.ts";
import { PieceBuffers } from "./piece-buffers.ts";
import type { SocketWriter } from "./socket-writer.ts";

/** Set by the writer of the response; a handler's own values are ignored. */
const OWN_HEADERS = new Set([
  "connection",
  "transfer-encoding",
  "content-length",
  "date",
  "keep-alive",
]);

/** [spec] RFC 9110, 8.6: no Content-Length, and no body, with these. */
function hasNoBody(status: number): boolean {
  return status === 204 || status === 304 || status < 200;
}

export interface Delivery {
  /** Only the headers were asked for. */
  readonly isHead: boolean;
  readonly keepAlive: boolean;
  readonly writer: SocketWriter;
  /** The connection is closed. */
  isOver(): boolean;
  /** A part of a long response was sent. */
  onProgress(): void;
  /** From now on the client is waited for. */
  onWaiting(): void;
  /**
   * The answer is shorter than it said: [spec] RFC 9112, 8: a client must not take a part for the
   * whole.
   */
  onBroken(): void;
}

/**
 * Returns a number where the response was sent; otherwise a promise, which settles when it was, or
 * cannot be.
 */
export function sendAnswer(
  answer: Exclude<RouteAnswer, StreamAnswer>,
  delivery: Delivery,
): number | Promise<unknown> {
  if (answer instanceof SourceAnswer) return sendSource(answer, delivery);
  if (!(answer instanceof TextAnswer)) return sendResponse(answer, delivery);
  const { isHead, keepAlive } = delivery;
  const { body, status } = answer;
  const head = formatHead(status, formatHeaders(answer.headers), {
    length: Buffer.byteLength(body),
    keepAlive,
  });
  return write(Buffer.from(isHead ? head : head + body), delivery);
}

function write(bytes: Uint8Array, { writer, onWaiting }: Delivery): number | Promise<number> {
  const written = writer.write(bytes);
  if (typeof written !== "number") onWaiting();
  return written;
}

/**
 * What is in memory is shared by all answers; what is in a file is read when the client has taken
 * the rest.
 */
async function sendSource(answer: SourceAnswer, delivery: Delivery): Promise<void> {
  const { status, source, first, length } = answer;
  const { keepAlive, isHead } = delivery;
  const head = toBytes(
    formatHead(status, formatHeaders(answer.headers), { length, keepAlive }),
    undefined,
  );
  await write(head, delivery);
  if (isHead || hasNoBody(status)) return;
  if (source instanceof Uint8Array) await write(source.subarray(first, first + length), delivery);
  else await sendFile(source, first, length, delivery);
}

const pieces = new PieceBuffers();

async function sendFile(
  file: FileSource,
  first: number,
  length: number,
  { writer, isOver, onProgress, onWaiting, onBroken }: Delivery,
): Promise<void> {
  let sent = 0;
  while (sent < length && !isOver()) {
    const { read, taken } = await pieces.use(async (buffer) => {
      const into = buffer.subarray(0, length - sent);
      const read = await file.read(into, first + sent).catch(() => 0);
      return { read, taken: isOver() ? 0 : writer.offer(into.subarray(0, read)) };
    });
    if (read === 0) break;
    sent += taken;
    if (taken > 0) onProgress();
    if (taken < read && !isOver()) {
      onWaiting();
      await writer.drained();
    }
  }
  if (sent < length && !isOver()) onBroken();
}

async function sendResponse(response: Response, delivery: Delivery): Promise<void> {
  const { isHead, keepAlive } = delivery;
  const said = response.headers.get("content-length");
  const announced = Number(said ?? 0);
  if (announced <= ANSWER_BYTES_WHOLE_MAX || hasNoBody(response.status)) {
    // The source failed before any of it was sent: there is no other way to report it.
    const body = await response.bytes().catch(() => undefined);
    if (body === undefined) return delivery.onBroken();
    // [spec] RFC 9110, 9.3.2: HEAD has the headers of GET; a handler that knows the length without
    // a body has set it.
    const length = isHead && said !== null ? announced : body.length;
    const head = formatHead(response.status, response.headers, { length, keepAlive });
    await write(toBytes(head, isHead ? undefined : body), delivery);
    return;
  }
  // A long one: no more of it in memory than the socket takes.
  const head = formatHead(response.status, response.headers, { length: announced, keepAlive });
  await write(toBytes(head, undefined), delivery);
  if (isHead) await response.body?.cancel().catch(() => undefined);
  else await pipe(response, announced, delivery);
}

async function pipe(response: Response, length: number, delivery: Delivery): Promise<void> {
  const { isOver, onProgress, onBroken } = delivery;
  let sent = 0;
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      if (isOver()) return;
      // Not a byte beyond what was said: it would be read as the next answer.
      const part = chunk.subarray(0, length - sent);
      sent += part.length;
      onProgress();
      await write(part, delivery);
      if (sent === length) break;
    }
  } catch {
    // What the answer came from broke off: it is cut short below.
  }
  if (sent !== length && !isOver()) onBroken();
}

/** `Headers` are one. */
interface EachHeader {
  forEach(each: (value: string, name: string) => void): void;
}

export interface AnswerForm {
  /** Of the body; undefined for one that ends with the connection. */
  readonly length: number | "chunked" | undefined;
  readonly keepAlive: boolean;
}

/** Nearly all short answers have the same headers. */
let linesFor: TextAnswer["headers"] | undefined;
let lines = "";

export function formatHeaders(headers: TextAnswer["headers"]): string {
  if (linesFor !== headers) {
    lines = "";
    for (const [name, value] of Object.entries(headers))
      if (!OWN_HEADERS.has(name)) lines += `${name}: ${value}\r\n`;
    linesFor = headers;
  }
  return lines;
}

/** `headers` may be their lines already. */
export function formatHead(
  status: number,
  headers: EachHeader | string,
  { length, keepAlive }: AnswerForm,
): string {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
  if (typeof headers === "string") head += headers;
  else {
    headers.forEach((value, name) => {
      if (!OWN_HEADERS.has(name)) head += `${name}: ${value}\r\n`;
    });
  }
  if (length === "chunked") head += "transfer-encoding: chunked\r\n";
  else if (length !== undefined && !hasNoBody(status)) head += `content-length: ${length}\r\n`;
  if (!keepAlive) head += "connection: close\r\n";
  return `${head}date: ${httpDate()}\r\n\r\n`;
}

export function toBytes(head: string, body: Uint8Array | undefined): Uint8Array {
  const bodyLength = body?.length ?? 0;
  const bytes = Buffer.allocUnsafe(head.length + bodyLength);
  bytes.write(head, 0, "latin1");
  if (body !== undefined && bodyLength > 0) bytes.set(body, head.length);
  return bytes;
}

let dateSecond = 0;
let dateText = "";

function httpDate(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1000).toUTCString();
  }
  return dateText;
}
