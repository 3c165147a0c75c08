/** Writes the history while a run goes on. */

import type { Json } from "@ovation/protocol";
import { createEntryList, type Seen } from "./entry-list.ts";
import {
  type Connected,
  contentOf,
  type History,
  type Injected,
  keyOf,
  type Like,
  type LoggedEvent,
  type LostAtStop,
  type Publish,
  type Viewer,
} from "./history.ts";

export interface ViewerRecorder {
  readonly name: string;
  event(topic: string, type: string, seq: number | undefined, data: Json): void;
  subscribed(topic: string, head: number): void;
  reset(topic: string, head: number): void;
  gap(topic: string, lost: number): void;
  connected(isConnected: boolean, how?: Pick<Connected, "frontend" | "named">): void;
  /** It leaves for good: what comes later is not owed to it. */
  leave(): void;
  /** The newest durable number of each topic. */
  readonly heads: ReadonlyMap<string, number>;
  readonly isConnected: boolean;
}

export interface Recorder {
  /** ms since the run began. */
  now(): number;
  publish(publish: Publish): void;
  viewer(name: string, form: Viewer["form"], topics: readonly string[]): ViewerRecorder;
  fault(fault: Injected): void;
  like(like: Like): void;
  lostAtStop(lost: LostAtStop): void;
  readonly counts: {
    readonly acknowledged: number;
    readonly refused: number;
    readonly unknown: number;
    readonly deliveries: number;
  };
  history(
    log: ReadonlyMap<string, readonly LoggedEvent[]>,
    end?: Pick<History, "atEnd" | "counted">,
  ): History;
}

export function createRecorder(): Recorder {
  const began = performance.now();
  const publishes: Publish[] = [];
  const faults: Injected[] = [];
  const likes: Like[] = [];
  const lostAtStop: LostAtStop[] = [];
  const viewers: (() => Viewer)[] = [];
  const counts = { acknowledged: 0, refused: 0, unknown: 0, deliveries: 0 };
  /** One object for all viewers that saw the same. */
  const events = new Map<string, Seen>();
  const now = () => Math.round(performance.now() - began);

  function seenEvent(topic: string, type: string, seq: number | undefined, data: Json): Seen {
    const content = contentOf(type, data);
    const name = `${topic} ${seq ?? ""} ${content}`;
    const known = events.get(name);
    if (known !== undefined) return known;
    const event: Seen = { kind: "event", topic, seq, key: keyOf(data), content };
    const seen = (seq === undefined ? countIn(topic, type, data) : undefined) ?? event;
    events.set(name, seen);
    return seen;
  }

  return {
    now,
    publish(publish) {
      counts[publish.outcome.kind]++;
      publishes.push(publish);
    },
    viewer(name, form, topics) {
      const entries = createEntryList();
      const heads = new Map<string, number>();
      let present = true;
      let isConnected = false;
      viewers.push(() => ({ name, form, topics, entries, presentAtEnd: present }));
      return {
        name,
        heads,
        get isConnected() {
          return isConnected;
        },
        event(topic, type, seq, data) {
          if (!present) return;
          counts.deliveries++;
          entries.push(seenEvent(topic, type, seq, data), now());
          if (seq !== undefined) heads.set(topic, Math.max(seq, heads.get(topic) ?? 0));
        },
        subscribed(topic, head) {
          if (!present) return;
          entries.push({ kind: "subscribed", topic, head }, now());
          heads.set(topic, Math.max(head, heads.get(topic) ?? 0));
        },
        reset(topic, head) {
          if (!present) return;
          entries.push({ kind: "reset", topic, head }, now());
          heads.set(topic, head);
        },
        gap(topic, lost) {
          if (present) entries.push({ kind: "gap", topic, lost }, now());
        },
        connected(connected, how) {
          if (!present || connected === isConnected) return;
          isConnected = connected;
          entries.push(connected ? { kind: "connected", ...how } : { kind: "disconnected" }, now());
        },
        leave() {
          this.connected(false);
          present = false;
        },
      };
    },
    fault: (fault) => void faults.push(fault),
    like: (like) => void likes.push(like),
    lostAtStop: (lost) => void lostAtStop.push(lost),
    counts,
    history: (log, { atEnd, counted } = { atEnd: [], counted: undefined }) => ({
      ...{ publishes, faults, log, likes, lostAtStop, atEnd, counted },
      viewers: viewers.map((read) => read()),
    }),
  };
}

/** What an event says of likes or viewers, which are judged as numbers. */
function countIn(topic: string, type: string, data: Json): Seen | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { total, viewers } = data as { readonly total?: Json; readonly viewers?: Json };
  if (type === "stats" && typeof viewers === "number") return { kind: "viewers", topic, viewers };
  if (type !== "likes" || typeof total !== "object" || total === null) return undefined;
  const likes = Object.values(total).reduce((sum: number, count) => sum + Number(count), 0);
  return { kind: "total", topic, likes };
}
