/**
 * The messages of the open conversation, each once, by number; then the member's own pending ones.
 * Pure: no DOM, no clock.
 */

import type { Message } from "@ovation/client";
import { LOCAL_MAX, MESSAGES_KEPT_MAX } from "./limits.ts";

export interface Bubble {
  /** The same from the first echo to the stored message. */
  readonly key: string;
  /** Absent while the message is not stored. */
  readonly n?: number;
  readonly at: number;
  readonly own: boolean;
  readonly text: string;
  readonly state: "sent" | "sending" | "failed";
  /** The error's code, where it failed. */
  readonly problem?: string;
}

export class Thread {
  readonly other: string;
  /** Whether there are messages before the first one here. */
  hasEarlier = false;
  #stored: Bubble[] = [];
  #local: Bubble[] = [];

  constructor(other: string) {
    this.other = other;
  }

  get bubbles(): readonly Bubble[] {
    return [...this.#stored, ...this.#local];
  }

  /** The number of the first message here. */
  get first(): number | undefined {
    return this.#stored[0]?.n;
  }

  /** Adds a message; returns whether it was new. */
  add(message: Message): boolean {
    const { n, clientId } = message;
    if (clientId !== undefined) this.#local = this.#local.filter(({ key }) => key !== clientId);
    const at = this.#stored.findLastIndex((bubble) => (bubble.n ?? 0) <= n);
    if (this.#stored[at]?.n === n) return false;
    this.#stored.splice(at + 1, 0, this.#toBubble(message));
    if (this.#stored.length > MESSAGES_KEPT_MAX) {
      this.#stored.shift();
      this.hasEarlier = true;
    }
    return true;
  }

  /** The newest page. What is here from before stays where the page continues it. */
  show(messages: readonly Message[]): void {
    const [oldest] = messages;
    const last = this.#stored.at(-1)?.n ?? 0;
    if (oldest !== undefined && oldest.n > last + 1) this.#stored = [];
    for (const message of messages) this.add(message);
    this.hasEarlier = (this.first ?? 1) > 1;
  }

  /** A page of earlier ones. */
  prepend(messages: readonly Message[]): void {
    const first = this.first ?? Number.POSITIVE_INFINITY;
    const earlier = messages.filter(({ n }) => n < first).map((message) => this.#toBubble(message));
    this.#stored = [...earlier, ...this.#stored];
    this.hasEarlier = earlier.length > 0 && (this.first ?? 1) > 1;
  }

  startLocal(key: string, text: string, at: number): void {
    this.#local = [
      ...this.#local.filter((bubble) => bubble.key !== key),
      { key, text, at, own: true, state: "sending" as const },
    ].slice(-LOCAL_MAX);
  }

  failLocal(key: string, problem: string): void {
    this.#local = this.#local.map((bubble) =>
      bubble.key === key ? { ...bubble, state: "failed", problem } : bubble,
    );
  }

  discardLocal(key: string): void {
    this.#local = this.#local.filter((bubble) => bubble.key !== key);
  }

  #toBubble({ n, at, from, text, clientId }: Message): Bubble {
    return { key: clientId ?? `n${n}`, n, at, own: from.id !== this.other, text, state: "sent" };
  }
}
