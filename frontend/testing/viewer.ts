/** A viewer of a frontend under test: reads frames from a writer that the test can make slow. */

import { zstdDecompressSync } from "node:zlib";
import {
  type ByteWriter,
  createFrameReader,
  type Identity,
  parsePosition,
  type Topic,
} from "@ovation/protocol";
import type { Connection } from "../connections/connection.ts";
import { type WireForm, wireForm, ZSTD } from "../connections/wire-form.ts";
import type { Frontend } from "../frontend.ts";
import { admitted } from "./admitted.ts";

/** What events carry that tests look into: each type has some of these. */
export interface ReceivedData {
  readonly topics: Readonly<Record<string, { readonly head: number; readonly recovered: boolean }>>;
  readonly lost: number;
  readonly reason: string;
  readonly like: number;
  readonly total: { readonly like: number };
  readonly afterMs: number;
}

export interface Received {
  readonly type: string;
  readonly id: string;
  readonly topic: string;
  readonly seq: number | undefined;
  readonly data: unknown;
  /** The same, for who knows what it has. */
  readonly fields: ReceivedData;
}

export class Viewer implements ByteWriter {
  readonly received: Received[] = [];
  readonly connection: Connection;
  writes = 0;
  bytes = 0;
  /** What was written, as it was given. */
  readonly parts: Uint8Array[] = [];
  ended = false;
  lastEventId = "";
  /** What an EventSource would wait after a cut. */
  retryMs: number | undefined;
  /** As a socket's writer would say. */
  readonly isChunked: boolean;
  readonly #form: WireForm;
  #waiting: (() => void)[] = [];
  #slow = false;
  readonly #deaf: boolean;
  readonly #reader = createFrameReader({
    onMessage: ({ type, data, lastEventId }) => {
      const json = JSON.parse(data);
      this.lastEventId = lastEventId;
      const fields = json.data ?? json;
      this.received.push({
        type: json.type ?? type,
        id: lastEventId,
        topic: json.topic,
        seq: json.seq,
        data: fields,
        fields,
      });
    },
    onRetry: (ms) => {
      this.retryMs = ms;
    },
  });

  constructor(
    frontend: Frontend,
    topics: readonly Topic[],
    options: {
      readonly lastEventId?: string;
      readonly identity?: Identity;
      readonly zstd?: boolean;
      readonly chunked?: boolean;
      readonly unnamed?: boolean;
      readonly address?: string;
      /** Takes bytes without a look at them, and is stalled from the start. */
      readonly deaf?: boolean;
    } = {},
  ) {
    this.isChunked = options.chunked ?? false;
    this.#deaf = options.deaf ?? false;
    this.#slow = this.#deaf;
    this.#form = wireForm({ ...options, chunked: false });
    const request = {
      topics,
      identity: options.identity,
      position: options.lastEventId === undefined ? undefined : parsePosition(options.lastEventId),
      form: this.#form,
      address: options.address ?? "127.0.0.1",
    };
    this.connection = admitted(frontend.admit(request));
    void frontend.open(this.connection, this, request);
  }

  write(bytes: Uint8Array): number | Promise<number> {
    this.writes++;
    this.bytes += bytes.length;
    this.parts.push(bytes);
    if (this.#deaf) return new Promise((resolve) => this.#waiting.push(() => resolve(0)));
    const body = this.isChunked ? readChunks(bytes) : bytes;
    const plain = (this.#form & ZSTD) === 0 ? body : zstdDecompressSync(body);
    this.#reader.feed(new TextDecoder().decode(plain));
    if (!this.#slow) return bytes.length;
    return new Promise((resolve) => this.#waiting.push(() => resolve(bytes.length)));
  }

  end(): void {
    this.ended = true;
  }

  cut(): void {
    this.ended = true;
  }

  /** From now on writes are accepted but do not drain. */
  stall(): void {
    this.#slow = true;
  }

  get isStalled(): boolean {
    return this.#slow;
  }

  drain(): void {
    this.#slow = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  of(type: string): readonly Received[] {
    return this.received.filter((event) => event.type === type);
  }

  seqs(name: Topic): readonly (number | undefined)[] {
    return this.received
      .filter((event) => event.topic === name && event.seq !== undefined)
      .map((event) => event.seq);
  }
}

/** The body in a write that is whole chunks; throws where it is not. */
export function readChunks(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const lineEnd = bytes.indexOf(10, at);
    const line = new TextDecoder().decode(bytes.subarray(at, lineEnd + 1));
    if (!/^[1-9a-f][0-9a-f]*\r\n$/.test(line)) throw new Error(`no chunk-size: ${line}`);
    const from = lineEnd + 1;
    const to = from + Number.parseInt(line, 16);
    if (bytes[to] !== 13 || bytes[to + 1] !== 10) throw new Error("a chunk has no end");
    parts.push(bytes.subarray(from, to));
    at = to + 2;
  }
  return Buffer.concat(parts);
}
