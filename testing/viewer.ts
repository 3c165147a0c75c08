/**
 * A viewer over a plain socket: it keeps its position and reconnects as a browser's EventSource
 * does. A test can choose its address, pause it, and see the head and the end of each answer.
 */

import { connect, type Socket } from "node:net";
import { createFrameReader } from "@ovation/protocol";
import { ResponseDecoder } from "../load/reader/response-decoder.ts";

export interface ViewerOptions {
  readonly port: number;
  /** `/v1/events?topic=…` */
  readonly path: string;
  /** The address that the viewer has: any of 127.0.0.0/8. */
  readonly from?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Comes back when the stream ends, after `retry:` or a second. */
  readonly returns?: boolean;
  readonly random?: () => number;
}

/** What tests read of the data of events: each type has some of these. */
export interface SeenData {
  readonly connectionId: string;
  readonly topics: Readonly<Record<string, { readonly head: number; readonly recovered: boolean }>>;
  readonly reason: string;
  readonly afterMs: number;
  readonly lost: number;
  readonly like: number;
  readonly viewers: number;
  readonly number: number;
}

export interface Seen {
  readonly type: string;
  readonly topic: string;
  readonly seq: number | undefined;
  readonly data: SeenData;
  readonly receivedAt: number;
}

export class Viewer {
  readonly seen: Seen[] = [];
  comments = 0;
  retryMs: number | undefined;
  lastEventId = "";
  /** Of the newest answer. */
  status = 0;
  head = "";
  /** The newest answer came to its proper end. */
  endedCleanly = false;
  /** Times at which a connection was asked for, was there (its first event), and was gone. */
  readonly asked: number[] = [];
  readonly connected: number[] = [];
  readonly gone: number[] = [];
  readonly #options: ViewerOptions;
  #socket: Socket | undefined;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ViewerOptions) {
    this.#options = options;
    this.#open();
  }

  get isConnected(): boolean {
    return this.connected.length > this.gone.length;
  }

  get connectionId(): string {
    return this.of("connection").at(-1)?.data.connectionId ?? "";
  }

  of(type: string): readonly Seen[] {
    return this.seen.filter((seen) => seen.type === type);
  }

  seqs(topic: string): readonly number[] {
    return this.seen.flatMap((seen) =>
      seen.topic === topic && seen.seq !== undefined ? [seen.seq] : [],
    );
  }

  /** Takes no more bytes from the socket. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  #open(): void {
    const { port, path, from, headers = {} } = this.#options;
    this.asked.push(performance.now());
    this.head = "";
    this.endedCleanly = false;
    const decoder = new ResponseDecoder();
    const text = new TextDecoder();
    const reader = createFrameReader({
      onMessage: ({ type, data, lastEventId }) => this.#take(type, data, lastEventId),
      onRetry: (ms) => {
        this.retryMs = ms;
      },
      onComment: () => {
        this.comments++;
      },
    });
    const socket = connect({
      port,
      host: "127.0.0.1",
      ...(from === undefined ? {} : { localAddress: from }),
    });
    this.#socket = socket;
    socket.setNoDelay(true);
    let over = false;
    const end = (clean: boolean) => {
      if (over) return;
      over = true;
      this.endedCleanly = clean;
      socket.destroy();
      if (this.connected.length > this.gone.length) this.gone.push(performance.now());
      if (this.#options.returns === true && !this.#closed)
        this.#timer = setTimeout(() => this.#open(), this.retryMs ?? 1000);
    };
    socket.on("data", (chunk) => {
      const bytes = Buffer.from(chunk as Uint8Array);
      if (!this.head.includes("\r\n\r\n"))
        this.head = (this.head + bytes.toString("latin1")).slice(0, 4096);
      const events = decoder.push(bytes);
      this.status = decoder.status;
      if (events.length > 0) reader.feed(text.decode(events, { stream: true }));
      if (decoder.ended) end(true);
    });
    socket.on("error", () => end(false));
    // [spec] RFC 9112, 6.3: an answer without length and chunks ends with its connection.
    socket.on("end", () => end(decoder.ended || (decoder.idle && !decoder.form.chunked)));
    socket.on("close", () => end(decoder.ended));
    socket.on("connect", () => {
      const all = {
        host: `127.0.0.1:${port}`,
        ...headers,
        ...(this.lastEventId === "" ? {} : { "last-event-id": this.lastEventId }),
      };
      const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
    });
  }

  #take(type: string, data: string, lastEventId: string): void {
    if (lastEventId !== "") this.lastEventId = lastEventId;
    const json = JSON.parse(data);
    if (type === "connection") this.connected.push(performance.now());
    this.seen.push({
      type,
      topic: json.topic ?? "",
      seq: json.seq,
      data: json.data ?? json,
      receivedAt: performance.now(),
    });
  }
}
