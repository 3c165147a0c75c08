/**
 * The leader's part: one stream for the topics of all tabs. Every tab gets everything and keeps
 * what it wants; order and duplicates are handled by each tab, so a change of leaders loses
 * nothing.
 */

import { formatPosition, type Topic, type TopicPosition } from "@ovation/protocol";
import { IDLE } from "../state.ts";
import { createStream, type Stream, type StreamEnvironment } from "../stream/stream.ts";
import type { ConnectionState } from "../types.ts";
import type { LeaderMessage, TabGroup, TabWants } from "./tab-group.ts";

/**
 * A new leader collects all tabs' topics before it connects, so that one URL has all their
 * positions, ms.
 */
const HEARING_MS = 50;
/** Tabs in one group; a browser has fewer. */
export const TABS_MAX = 1000;
/** A tab whose lock is free and that does not answer for this long is dead, ms. */
const GONE_MS = 100;
/**
 * So is one that is silent for this long: timers of hidden tabs may fire once a minute only, ms.
 */
const SILENT_MS = 150_000;

export interface TabLeader {
  readonly stream: Stream;
  hear(wants: TabWants): void;
  /** A tab asks whether there is a leader. */
  asked(tab: string): void;
  /** The tab closes or freezes. */
  drop(tab: string): void;
  /** Announces that this tab leads, and the state of the stream. Removes silent tabs. */
  say(): void;
  close(): void;
}

interface FollowingTab {
  wants: TabWants;
  heardAt: number;
  readonly stopWatching: () => void;
}

/** `emit` posts to all tabs, this one included. `name` is the group's. */
export function createTabLeader(
  environment: StreamEnvironment,
  group: TabGroup,
  name: string,
  emit: (message: LeaderMessage) => void,
): TabLeader {
  const tabs = new Map<string, FollowingTab>();
  /** Topics of the stream. */
  const topics = new Set<Topic>();
  let state: ConnectionState = IDLE;
  let hearing = true;
  let closed = false;
  let saidAt = environment.clock.now();

  const stream = createStream(environment, {
    onState(next) {
      state = next;
      // The tab that closes does not end the others.
      if (!closed) emit({ kind: "state", state: next });
    },
    onEvent(event, epoch) {
      const topic = event.topic as Topic;
      emit({
        kind: "event",
        event,
        id: event.seq === undefined ? "" : formatPosition([[topic, { seq: event.seq, epoch }]]),
      });
    },
    onSubscribed: (topic, head, epoch) => emit({ kind: "subscribed", topic, head, epoch }),
    onReset: (topic, head, epoch) => emit({ kind: "reset", topic, head, epoch }),
    onRefused(topic, code) {
      topics.delete(topic);
      for (const tab of tabs.values())
        tab.wants = {
          ...tab.wants,
          topics: tab.wants.topics.filter(([wanted]) => wanted !== topic),
        };
      emit({ kind: "refused", topic, code });
    },
  });

  const cancelHearing = environment.clock.after(HEARING_MS, () => {
    hearing = false;
    const earliest = new Map<Topic, TopicPosition | undefined>();
    for (const { wants } of tabs.values()) {
      for (const [topic, position] of wants.topics) {
        const known = earliest.get(topic);
        earliest.set(
          topic,
          known === undefined || (position !== undefined && position.seq < known.seq)
            ? position
            : known,
        );
      }
    }
    for (const [topic, position] of earliest) add(topic, position);
  });

  function add(topic: Topic, position: TopicPosition | undefined): void {
    topics.add(topic);
    stream.add(topic, position);
  }

  function serve(topic: Topic, position: TopicPosition | undefined): void {
    if (!topics.has(topic)) {
      add(topic, position);
      return;
    }
    const standing = stream.standing(topic);
    // Not active yet: it will be announced to all.
    if (standing === undefined) return;
    // A tab that missed something: the stream returns to there, and the others drop duplicates.
    if (position !== undefined && position.seq < standing.seq) add(topic, position);
    // Without a connection it will be announced when there is one.
    else if (state.name === "connected")
      emit({
        kind: "subscribed",
        topic,
        head: standing.seq,
        epoch: standing.position?.epoch ?? "",
      });
  }

  function drop(tab: string): void {
    tabs.get(tab)?.stopWatching();
    tabs.delete(tab);
    removeUnwanted();
  }

  function removeUnwanted(): void {
    const wanted = new Set<Topic>();
    for (const { wants } of tabs.values()) for (const [topic] of wants.topics) wanted.add(topic);
    for (const topic of topics) {
      if (wanted.has(topic)) continue;
      topics.delete(topic);
      stream.remove(topic);
    }
  }

  /** A browser may also take the lock of a frozen tab: then that tab answers soon. */
  function watch(tab: string): () => void {
    let cancelWait: (() => void) | undefined;
    const stopWatching = group.watch(`${name}/${tab}`, () => {
      const freedAt = environment.clock.now();
      emit({ kind: "roll-call" });
      cancelWait = environment.clock.after(GONE_MS, () => {
        if ((tabs.get(tab)?.heardAt ?? 0) < freedAt) drop(tab);
      });
    });
    return () => {
      stopWatching();
      cancelWait?.();
    };
  }

  function say(): void {
    const now = environment.clock.now();
    // After its own sleep this tab has received nothing from the others either.
    const slept = now - saidAt > SILENT_MS / 2;
    saidAt = now;
    for (const [tab, known] of tabs) {
      if (slept || tab === group.tab) known.heardAt = now;
      else if (now - known.heardAt > SILENT_MS) drop(tab);
    }
    emit({ kind: "state", state });
  }

  return {
    stream,
    hear(wants) {
      const known = tabs.get(wants.tab);
      const heardAt = environment.clock.now();
      if (known !== undefined) Object.assign(known, { wants, heardAt });
      else if (tabs.size < TABS_MAX)
        tabs.set(wants.tab, { wants, heardAt, stopWatching: watch(wants.tab) });
      emit({ kind: "state", state });
      if (hearing) return;
      removeUnwanted();
      for (const [topic, position] of wants.topics) serve(topic, position);
    },
    asked(tab) {
      const known = tabs.get(tab);
      // A removed tab repeats its wanted topics.
      if (known === undefined) emit({ kind: "lead" });
      else {
        known.heardAt = environment.clock.now();
        emit({ kind: "state", state });
      }
    },
    drop,
    say,
    close() {
      closed = true;
      cancelHearing();
      for (const { stopWatching } of tabs.values()) stopWatching();
      stream.close();
    },
  };
}
