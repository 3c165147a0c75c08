/**
 * The tabs of an origin that share one connection: their messages, and the browser's facilities for
 * them. Tests replace the browser.
 */

import type { Epoch, Topic, TopicPosition } from "@ovation/protocol";
import type { ClientEvent } from "../event-types.ts";
import { randomText } from "../random-text.ts";
import { tried } from "../tried.ts";
import type { ConnectionState } from "../types.ts";

/** A tab's wanted topics: all of them, each time. */
export interface TabWants {
  readonly kind: "wants";
  readonly tab: string;
  /** With the tab's position, if it has one. */
  readonly topics: readonly (readonly [topic: Topic, position: TopicPosition | undefined])[];
}

/** The leader's messages to all. */
export type LeaderMessage =
  /** A tab leads from now on: every tab repeats its wanted topics. */
  | { readonly kind: "lead" }
  /** Every tab repeats its wanted topics: one seems to be dead. */
  | { readonly kind: "roll-call" }
  /** The leader's state: its reply to every `wants` and `ask`, and changes. */
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

/**
 * One tab's time as leader. The higher term wins; in one term the earlier announcement, then the
 * lower name.
 */
export interface Leadership {
  readonly term: number;
  /** Wall clock of the announcement, ms. */
  readonly since: number;
  readonly tab: string;
}

export type TabMessage =
  | TabWants
  /** Is there a leader? */
  | { readonly kind: "ask"; readonly tab: string }
  /** The tab closes or freezes. */
  | { readonly kind: "left"; readonly tab: string }
  | { readonly kind: "led"; readonly by: Leadership; readonly message: LeaderMessage };

export interface TabGroup {
  /** A fresh name for this tab. */
  readonly tab: string;
  /** Whether `watch` works here: where it does not, tabs check each other more often. */
  readonly reportsEnds: boolean;
  /** Joins the channel `name`: gets the messages of other tabs, in the order of each. */
  join(
    name: string,
    onMessage: (message: TabMessage) => void,
  ): { post(message: TabMessage): void; leave(): void };
  /** Holds the lock `name` while this tab is open. The returned function releases it. */
  hold(name: string): () => void;
  /**
   * Calls `onFree` once when no tab holds `name`: its tab has crashed, or the browser took the lock
   * from a frozen tab. A hint, never a proof. The returned function ends the watch.
   */
  watch(name: string, onFree: () => void): () => void;
  /** The same short text for the same secret, from which it cannot be read. */
  digest(secret: string): Promise<string>;
}

/** Undefined where the browser has no BroadcastChannel, or refuses it to this page. */
export function createBrowserTabGroup(): TabGroup | undefined {
  const channel = tried(() => new BroadcastChannel("ovation"));
  if (channel === undefined) return undefined;
  channel.close();
  let reportsEnds = false;

  /** Web Locks: https and localhost only, and refused to pages without storage. */
  function lock(name: string, onHeld: (release: () => void) => void): () => void {
    const queue = new AbortController();
    let release: (() => void) | undefined;
    const held = () =>
      new Promise<void>((resolve) => {
        release = resolve;
        if (queue.signal.aborted) resolve();
        else onHeld(resolve);
      });
    // Rejects when aborted, refused, or taken by the browser: messages decide the rest.
    tried(() => navigator.locks.request(name, { signal: queue.signal }, held))?.catch(() => {});
    return () => {
      queue.abort();
      release?.();
    };
  }

  return {
    tab: randomText(9),
    get reportsEnds() {
      return reportsEnds;
    },
    join(name, onMessage) {
      const joined = new BroadcastChannel(name);
      joined.onmessage = ({ data }: MessageEvent<TabMessage>) => onMessage(data);
      return {
        post: (message) => void tried(() => joined.postMessage(message)),
        leave: () => joined.close(),
      };
    },
    hold: (name) =>
      lock(name, () => {
        reportsEnds = true;
      }),
    watch: (name, onFree) =>
      lock(name, (release) => {
        release();
        onFree();
      }),
    digest,
  };
}

/** For plain http pages, without `crypto.subtle`: the digest mixes but does not resist a search. */
async function digest(secret: string): Promise<string> {
  const text = new TextEncoder().encode(secret);
  try {
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
    return Array.from(bytes.subarray(0, 12), (byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    return [1, 2, 3, 4].map((seed) => fnv1a(text, seed).toString(36)).join("");
  }
}

/** FNV-1a with a final mix, 32 bits. */
function fnv1a(bytes: Uint8Array, seed: number): number {
  let hash = 0x811c9dc5 ^ Math.imul(seed, 0x9e3779b1);
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
