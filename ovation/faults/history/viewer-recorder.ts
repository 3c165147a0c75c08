/** Writes what one viewer sees into the history. */

import type { Json } from "@ovation/protocol";
import { EntryList, type SeenEvents } from "./entry-list.ts";
import type { Connected, Viewer } from "./history.ts";

export interface ViewerRecorderOptions extends Pick<Viewer, "name" | "form" | "topics"> {
  readonly events: SeenEvents;
  now(): number;
  /** An event was delivered to this viewer. */
  onDelivery(): void;
}

export class ViewerRecorder {
  readonly name: string;
  readonly #options: ViewerRecorderOptions;
  readonly #entries = new EntryList();
  readonly #heads = new Map<string, number>();
  #isPresent = true;
  #isConnected = false;

  constructor(options: ViewerRecorderOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** The newest durable number of each topic. */
  get heads(): ReadonlyMap<string, number> {
    return this.#heads;
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  event(topic: string, type: string, seq: number | undefined, data: Json): void {
    if (!this.#isPresent) return;
    const { events, now, onDelivery } = this.#options;
    onDelivery();
    this.#entries.push(events.of(topic, type, seq, data), now());
    if (seq !== undefined) this.#raise(topic, seq);
  }

  subscribed(topic: string, head: number): void {
    if (!this.#isPresent) return;
    this.#entries.push({ kind: "subscribed", topic, head }, this.#options.now());
    this.#raise(topic, head);
  }

  reset(topic: string, head: number): void {
    if (!this.#isPresent) return;
    this.#entries.push({ kind: "reset", topic, head }, this.#options.now());
    this.#heads.set(topic, head);
  }

  gap(topic: string, lost: number): void {
    if (this.#isPresent) this.#entries.push({ kind: "gap", topic, lost }, this.#options.now());
  }

  connected(isConnected: boolean, how?: Pick<Connected, "frontend" | "named">): void {
    if (!this.#isPresent || isConnected === this.#isConnected) return;
    this.#isConnected = isConnected;
    this.#entries.push(
      isConnected ? { kind: "connected", ...how } : { kind: "disconnected" },
      this.#options.now(),
    );
  }

  /** It leaves for good: later events are not owed to it. */
  leave(): void {
    this.connected(false);
    this.#isPresent = false;
  }

  /** What it saw until now, and whether it is still present. */
  read(): Viewer {
    const { name, form, topics } = this.#options;
    return { name, form, topics, entries: this.#entries, presentAtEnd: this.#isPresent };
  }

  #raise(topic: string, seq: number): void {
    this.#heads.set(topic, Math.max(seq, this.#heads.get(topic) ?? 0));
  }
}
