/** A stream whose code is still loading: calls wait for it, in order. */

import type { Topic, TopicPosition } from "@ovation/protocol";
import type { Stream } from "./stream.ts";

export class LateStream implements Stream {
  #stream: Stream | undefined;
  #pending: ((stream: Stream) => void)[] = [];

  constructor(loading: Promise<Stream>) {
    void loading.then((stream) => {
      this.#stream = stream;
      for (const run of this.#pending) run(stream);
      this.#pending = [];
    });
  }

  add(topic: Topic, from?: TopicPosition): void {
    this.#call((stream) => stream.add(topic, from));
  }

  remove(topic: Topic): void {
    this.#call((stream) => stream.remove(topic));
  }

  standing(topic: Topic): ReturnType<Stream["standing"]> {
    return this.#stream?.standing(topic);
  }

  tokenChanged(): void {
    this.#call((stream) => stream.tokenChanged());
  }

  wake(): void {
    this.#call((stream) => stream.wake());
  }

  offline(): void {
    this.#call((stream) => stream.offline());
  }

  sleep(): void {
    this.#call((stream) => stream.sleep());
  }

  close(): void {
    this.#call((stream) => stream.close());
  }

  #call(run: (stream: Stream) => void): void {
    if (this.#stream === undefined) this.#pending.push(run);
    else run(this.#stream);
  }
}
