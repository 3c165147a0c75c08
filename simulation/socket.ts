/**
 * One connection's bytes from a frontend to a viewer, as TCP would carry them: in order, without a
 * hole, until it breaks. Unread bytes fill the window, and a write then waits.
 */

import type { ByteWriter } from "@ovation/protocol";
import type { Timeline } from "./clock.ts";
import type { Network } from "./network.ts";
import type { Node } from "./node.ts";

export interface SocketOptions {
  readonly timeline: Timeline;
  readonly network: Network;
  readonly server: Node;
  readonly viewer: Node;
  /** Bytes in flight beyond which a write waits. */
  readonly windowBytes: number;
  /**
   * Compressed sizes depend on the random part of connection ids: such a stream counts its writes
   * instead.
   */
  readonly bytesPerWrite?: number | undefined;
  /** `writtenAt` is the step of the timeline in which the server wrote it. */
  onBytes(bytes: Uint8Array, writtenAt: number): void;
  /** The viewer's end: closed cleanly (`ended`), or broken. */
  onEnd(kind: "ended" | "lost"): void;
  /** The server's end: the viewer is gone. */
  onGone(): void;
}

interface Written {
  readonly bytes: Uint8Array | undefined;
  readonly size: number;
  readonly dueAt: number;
  readonly step: number;
}

/** The kernel gives up a connection whose peer has not answered for this long. */
const USER_TIMEOUT_MS = 20_000;
const RETRANSMIT_MS = 200;

export class Socket implements ByteWriter {
  readonly server: Node;
  readonly viewer: Node;
  readonly #options: SocketOptions;
  #queue: Written[] = [];
  #undelivered = 0;
  #arrivesAt = 0;
  #moving = false;
  #paused = false;
  /** The state that either end knows. */
  #serverOpen = true;
  #viewerOpen = true;
  /** Nothing passes, and no end is notified. */
  #silent = false;
  #stalledSince: number | undefined;
  #drained: { readonly promise: Promise<number>; resolve(): void } | undefined;

  constructor(options: SocketOptions) {
    this.#options = options;
    this.server = options.server;
    this.viewer = options.viewer;
  }

  get openAtServer(): boolean {
    return this.#serverOpen && this.server.alive;
  }

  get openAtViewer(): boolean {
    return this.#viewerOpen && this.viewer.alive;
  }

  write(bytes: Uint8Array): number | Promise<number> {
    this.#enqueue(bytes);
    if (this.#undelivered <= this.#options.windowBytes) return bytes.length;
    if (this.#drained === undefined) {
      let settle: (value: number) => void = () => {};
      const promise = new Promise<number>((resolve) => {
        settle = resolve;
      });
      this.#drained = { promise, resolve: () => settle(0) };
    }
    return this.#drained.promise;
  }

  end(): void {
    if (!this.#serverOpen) return;
    this.#serverOpen = false;
    this.#enqueue(undefined);
  }

  /** The server discards its written bytes. */
  cut(): void {
    this.#serverOpen = false;
    this.reset();
  }

  #enqueue(bytes: Uint8Array | undefined): void {
    if (!this.#serverOpen && bytes !== undefined) return;
    const { network, timeline, server, viewer, bytesPerWrite } = this.#options;
    this.#arrivesAt = Math.max(
      this.#arrivesAt,
      timeline.now + network.delay(server.place, viewer.place),
    );
    const size = bytes === undefined ? 0 : (bytesPerWrite ?? bytes.length);
    this.#undelivered += size;
    this.#queue.push({ bytes, size, dueAt: this.#arrivesAt, step: timeline.steps });
    this.#move();
  }

  #move(): void {
    const next = this.#queue[0];
    if (this.#moving || this.#paused || next === undefined) return;
    this.#moving = true;
    const { timeline } = this.#options;
    timeline.after(next.dueAt - timeline.now, () => this.#arrive());
  }

  #arrive(): void {
    this.#moving = false;
    const { network, timeline, server, viewer } = this.#options;
    if (this.#paused) return;
    if (!this.#viewerOpen || (!viewer.alive && !this.#silent)) {
      this.#goneAtServer();
      return;
    }
    if (this.#silent || network.isCut(server.place, viewer.place)) {
      this.#stalledSince ??= timeline.now;
      if (timeline.now - this.#stalledSince > USER_TIMEOUT_MS) {
        this.#goneAtServer();
        return;
      }
      this.#moving = true;
      timeline.after(RETRANSMIT_MS, () => this.#arrive());
      return;
    }
    this.#stalledSince = undefined;
    const next = this.#queue.shift();
    if (next === undefined) return;
    viewer.do(() => this.#deliver(next));
    this.#move();
  }

  #deliver({ bytes, size, step }: Written): void {
    this.#undelivered -= size;
    if (this.#undelivered <= this.#options.windowBytes / 2) this.#release();
    if (!this.#viewerOpen) return;
    if (bytes === undefined) this.#endAtViewer("ended");
    else this.#options.onBytes(bytes, step);
  }

  #release(): void {
    const drained = this.#drained;
    this.#drained = undefined;
    if (drained !== undefined) this.server.do(() => drained.resolve());
  }

  #goneAtServer(): void {
    this.#queue = [];
    this.#undelivered = 0;
    if (this.#serverOpen) {
      this.#serverOpen = false;
      this.server.do(() => this.#options.onGone());
    }
    // The runtime settles a pending write when the reader disconnects (checked by
    // http/event-stream.test.ts).
    this.#release();
  }

  #endAtViewer(kind: "ended" | "lost"): void {
    if (!this.#viewerOpen) return;
    this.#viewerOpen = false;
    this.viewer.do(() => this.#options.onEnd(kind));
  }

  /** The viewer stops reading, or reads on. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#move();
  }

  /** The viewer closes its end. */
  leave(): void {
    if (!this.#viewerOpen) return;
    this.#viewerOpen = false;
    const { network, timeline, server, viewer } = this.#options;
    if (this.#silent || network.isCut(viewer.place, server.place)) return;
    timeline.after(network.delay(viewer.place, server.place), () => this.#goneAtServer());
  }

  /** A middlebox breaks it: both ends learn it soon. */
  reset(): void {
    const { network, timeline, server, viewer } = this.#options;
    timeline.after(network.delay(viewer.place, server.place), () => this.#goneAtServer());
    timeline.after(network.delay(server.place, viewer.place), () => this.#endAtViewer("lost"));
  }

  /** Nothing arrives and no end is notified: a NAT entry expired, a phone in a tunnel. */
  silence(): void {
    this.#silent = true;
  }

  /**
   * The path is back: packets of a connection that the other side does not know are answered with a
   * reset.
   */
  heal(): void {
    if (
      this.#silent ||
      !this.#viewerOpen ||
      !this.#serverOpen ||
      !this.viewer.alive ||
      !this.server.alive
    )
      this.reset();
    this.resume();
  }
}
