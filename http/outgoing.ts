/** An answer as bytes. */

import { STATUS_CODES } from "node:http";

/** Set by whoever writes the answer; a handler's own word on them does not count. */
const OWN_HEADERS = new Set(["connection", "transfer-encoding", "content-length", "date", "keep-alive"]);

/** [spec] RFC 9110, 8.6: no Content-Length, and no body, with these. */
export function hasNoBody(status: number): boolean {
  return status === 204 || status === 304 || status < 200;
}

export interface AnswerForm {
  /** Of the body; undefined for one that ends with the connection. */
  readonly length: number | undefined;
  readonly keepAlive: boolean;
}

export function formatHead(response: Response, { length, keepAlive }: AnswerForm): string {
  const { status } = response;
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
  response.headers.forEach((value, name) => {
    if (!OWN_HEADERS.has(name)) head += `${name}: ${value}\r\n`;
  });
  if (length !== undefined && !hasNoBody(status)) head += `content-length: ${length}\r\n`;
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
