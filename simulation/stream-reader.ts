/**
 * Bytes of a stream to frames, as a client parses them. Each frame is checked on the wire before
 * the viewer gets it.
 */

import { createFrameReader, type FrameReader, type Message } from "@ovation/protocol";
import type { WireChecker } from "./checkers/wire-checker.ts";
import type { World } from "./world.ts";

export interface StreamReaderOptions {
  readonly world: World;
  readonly wire: WireChecker;
  /** The connection came with a position. */
  readonly returned: boolean;
  /** `events=message`: types are inside `data`. */
  readonly unnamed: boolean;
  onMessage(message: Message): void;
  onRetry(ms: number): void;
}

export class StreamReader {
  readonly #options: StreamReaderOptions;
  readonly #decoder = new TextDecoder();
  readonly #frames: FrameReader;
  /** The step of the timeline in which the server wrote the bytes being read. */
  #writtenStep = 0;

  constructor(options: StreamReaderOptions) {
    this.#options = options;
    this.#frames = createFrameReader({
      onMessage: (message) => this.#read(options.unnamed ? withTypeInside(message) : message),
      onRetry: (ms) => options.onRetry(ms),
    });
  }

  feed(bytes: Uint8Array, writtenStep: number): void {
    this.#writtenStep = writtenStep;
    this.#frames.feed(this.#decoder.decode(bytes, { stream: true }));
  }

  #read(sent: Message): void {
    const { world, wire, returned } = this.#options;
    for (const message of world.sabotage?.frames(sent, returned) ?? [sent]) {
      if (message.type === "connection") wire.opened(message.lastEventId);
      else if (message.type !== "reconnect")
        wire.message(message.type, JSON.parse(message.data), this.#writtenStep);
      this.#options.onMessage(message);
    }
  }
}

/** `events=message`: every event has EventSource's own name, and its type inside. */
function withTypeInside(message: Message): Message {
  const { type } = JSON.parse(message.data) as { readonly type: string };
  if (message.type !== "message") throw new Error(`an event is named ${message.type}`);
  return { ...message, type };
}
