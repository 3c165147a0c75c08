/** A connection of this tab that it closes while hidden; missed events come when it is visible. */

import type { Stream, StreamEnvironment, StreamSink } from "../stream/stream.ts";
import { DirectStream } from "../stream/stream-direct.ts";

/** A tab hidden for this long closes its connection, ms. */
const HIDDEN_MS = 10_000;

export class YieldingStream extends DirectStream implements Stream {
  readonly #page: Pick<Document, "visibilityState"> & EventTarget;
  readonly #onVisibility: () => void;
  #cancelWait: (() => void) | undefined;

  constructor(
    environment: StreamEnvironment,
    sink: StreamSink,
    page: Pick<Document, "visibilityState"> & EventTarget = document,
  ) {
    const onVisibility = (): void => {
      this.#cancelWait?.();
      if (page.visibilityState === "hidden")
        this.#cancelWait = environment.clock.after(HIDDEN_MS, () => this.sleep());
    };
    // Spelled out: a spread would lose the methods of a sink that is an instance of a class.
    super(environment, {
      onEvent: (event, epoch) => sink.onEvent(event, epoch),
      onSubscribed: (topic, head, epoch) => sink.onSubscribed(topic, head, epoch),
      onReset: (topic, head, epoch) => sink.onReset(topic, head, epoch),
      onRefused: (topic, code) => sink.onRefused(topic, code),
      onState(state) {
        if (state.name === "connected") onVisibility();
        sink.onState(state);
      },
    });
    this.#page = page;
    this.#onVisibility = onVisibility;
    page.addEventListener("visibilitychange", onVisibility);
  }

  override close(): void {
    this.#cancelWait?.();
    this.#page.removeEventListener("visibilitychange", this.#onVisibility);
    super.close();
  }
}
