/** One viewer, over all its sockets, and the requests it sends. */
import { CONNECTIONS_PER_ADDRESS_MAX } from "../limits.ts";
import type { ReaderTask } from "../messages.ts";
import { isLoopback } from "../options.ts";
import { topicName, topicsOf } from "../plan.ts";
import { targetNamed } from "../targets/mod.ts";
import type { Form, ResponseDecoder } from "./response-decoder.ts";
import type { ReaderSocket } from "./sockets.ts";

/** new → connecting → ready → waiting → connecting …; closed when the run ends. */
export type ConnectionState = "new" | "connecting" | "ready" | "waiting" | "closed";

export interface Connection {
  /** From 0 within the process. */
  readonly number: number;
  state: ConnectionState;
  socket: ReaderSocket | undefined;
  /** Present while the stream is within an event or chunk. */
  decoder: ResponseDecoder | undefined;
  form: Form;
  /** The server has answered 200 on this socket. */
  answered: boolean;
  lastId: string | undefined;
  /**
   * What the server asked for, waited exactly, as a browser does: spreading returning clients is
   * the server's task. [spec]
   * https://html.spec.whatwg.org/multipage/server-sent-events.html#reestablish-the-connection
   */
  retryMs: number | undefined;
  attempt: number;
  begunUs: number;
  lostUs: number;
  /** Subscribed again after a loss: what was published before came by recovery. 0: never lost. */
  returnedUs: number;
}

export function createConnection(number: number): Connection {
  return {
    number,
    state: "new",
    socket: undefined,
    decoder: undefined,
    form: { chunked: false, zstd: false },
    answered: false,
    lastId: undefined,
    retryMs: undefined,
    attempt: 0,
    begunUs: 0,
    lostUs: 0,
    returnedUs: 0,
  };
}

/** The request that subscribes a viewer to its topics and resumes from `lastId`. */
export function requestText(task: ReaderTask, number: number, lastId: string | undefined): string {
  const { options } = task;
  const { host, pathname: base } = new URL(options.url);
  const topics = topicsOf(options, task.firstConnection + number).map((topic) =>
    topicName(options, topic),
  );
  const lines = [
    "GET " +
      `${base.replace(/\/+$/, "")}${targetNamed(options.target).connectPath(topics, options)} ` +
      "HTTP/1.1",
    `Host: ${host}`,
    "Accept: text/event-stream",
  ];
  if (options.zstd) lines.push("Accept-Encoding: zstd");
  if (options.connectToken !== undefined)
    lines.push(`Authorization: Bearer ${options.connectToken}`);
  if (lastId !== undefined) lines.push(`Last-Event-ID: ${lastId}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

const ADDRESSES_IN_TURN = 250;

/**
 * Every process on this machine has its own block of 127.0.0.0/8, and each attempt of a connection
 * the next address in it: so ephemeral ports do not run out, and per-address limits see many
 * viewers. Without a connection: the address of never-readers.
 */
export function sourceAddress(
  host: string,
  process: number,
  connection: Connection | undefined,
): string | undefined {
  if (globalThis.process.platform !== "linux" || !isLoopback(host) || host.includes(":"))
    return undefined;
  if (connection === undefined) return `127.${1 + process}.0.1`;
  const block = Math.floor(connection.number / CONNECTIONS_PER_ADDRESS_MAX);
  return `127.${1 + process}.${1 + (connection.attempt % ADDRESSES_IN_TURN)}.${1 + block}`;
}
