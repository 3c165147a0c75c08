/**
 * The tabs of an origin that share one connection: what they say to each other, and how a browser
 * lets them find one leader. The tests put a browser of their own in its place.
 */

import type { Epoch, Topic, TopicPosition } from "@ovation/protocol";
import type { ClientEvent, ConnectionState } from "./types.ts";

/** What a tab wants of the leader: all of it, each time. An empty list: nothing any more. */
export interface TabWants {
  readonly kind: "wants";
  readonly tab: string;
  /** With where the tab stands, if it stands somewhere. */
  readonly topics: readonly (readonly [topic: Topic, position: TopicPosition | undefined])[];
  readonly types: readonly string[];
}

/** What the leader says to all. */
export type LeaderMessage =
  /** A tab leads from now on: everybody says again what they want. */
  | { readonly kind: "lead" }
  /** The leader's state: its answer to every `wants`, and news. */
  | { readonly kind: "state"; readonly state: ConnectionState }
  /** `id` is a position text with the epoch of a durable event. */
  | { readonly kind: "event"; readonly event: ClientEvent; readonly id: string }
  | {
      readonly kind: "subscribed";
      readonly topic: Topic;
      readonly head: number;
      readonly epoch: Epoch;
    }
  | { readonly kind: "reset"; readonly topic: Topic; readonly head: number; readonly epoch: Epoch }
  | { readonly kind: "refused"; readonly topic: Topic; readonly code: string };

export type TabMessage = TabWants | LeaderMessage;

export interface TabGroup {
  /** A fresh name for this tab. */
  readonly tab: string;
  /** Joins the conversation `name`: hears what others post, in the order of each. */
  join(
    name: string,
    onMessage: (message: TabMessage) => void,
  ): { post(message: TabMessage): void; leave(): void };
  /**
   * Queues for the lock `name`. `onHeld` when it is ours, be it after the death of its holder;
   * `onStolen` when somebody took it from us. The answer gives it up, or leaves the queue.
   */
  lock(name: string, steal: boolean, onHeld: () => void, onStolen?: () => void): () => void;
  /** The same short text for the same secret, from which it cannot be read. */
  digest(secret: string): Promise<string>;
}

/** Web Locks die with their tab, which no message could tell; BroadcastChannel needs no script of its own address. */
export function createBrowserTabGroup(): TabGroup {
  return {
    tab: randomName(),
    join(name, onMessage) {
      const channel = new BroadcastChannel(name);
      channel.onmessage = ({ data }: MessageEvent<TabMessage>) => onMessage(data);
      return { post: (message) => channel.postMessage(message), leave: () => channel.close() };
    },
    lock(name, steal, onHeld, onStolen) {
      const queue = new AbortController();
      let done: (() => void) | undefined;
      const held = () =>
        new Promise<void>((resolve) => {
          done = resolve;
          if (queue.signal.aborted) resolve();
          else onHeld();
        });
      navigator.locks
        .request(name, steal ? { steal } : { signal: queue.signal }, held)
        .catch(() => {
          // [spec] A request that is aborted, and a holder whose lock is stolen, reject with AbortError.
          if (done !== undefined && !queue.signal.aborted) onStolen?.();
        });
      return () => {
        queue.abort();
        done?.();
      };
    },
    async digest(secret) {
      const bytes = new Uint8Array(
        await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret)),
      );
      return Array.from(bytes.subarray(0, 12), (byte) => byte.toString(16).padStart(2, "0")).join(
        "",
      );
    },
  };
}

function randomName(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(3)), (word) => word.toString(36)).join(
    "",
  );
}
