/**
 * What a tab does while it leads: one stream for the topics of all tabs. Every tab gets everything
 * and keeps what it wants; order and duplicates are handled by each tab, so a change of leaders
 * loses nothing.
 */

import { type Epoch, formatPosition, type Topic, type TopicPosition } from "@ovation/protocol";
import type { ClientEvent } from "../event-types.ts";
import { IDLE } from "../state/state.ts";
import type { Stream, StreamEnvironment } from "../stream/stream.ts";
import { DirectStream } from "../stream/stream-direct.ts";
import type { ConnectionState } from "../types.ts";
import type { LeaderMessage, TabGroup, TabWants } from "./tab-group.ts";

/**
 * A new leader collects all tabs' topics before it connects, so that one URL has all their
 * positions, ms.
 */
const COLLECT_MS = 50;
/** Tabs in one group; a browser has fewer. */
export const TABS_MAX = 1000;
/** A tab whose lock is free and that does not reply for this long is dead, ms. */
const FREED_REPLY_MS = 100;
/**
 * So is one that is silent for this long: timers of hidden tabs may fire once a minute only, ms.
 */
const SILENT_MS = 150_000;

interface FollowingTab {
  wants: TabWants;
  seenAt: number;
  readonly stopWatching: () => void;
}

export class TabLeader {
  readonly stream: Stream;
  readonly #environment: StreamEnvironment;
  readonly #group: TabGroup;
  readonly #groupName: string;
  readonly #emit: (message: LeaderMessage) => void;
  readonly #tabs = new Map<string, FollowingTab>();
  /** Topics of the stream. */
  readonly #topics = new Set<Topic>();
  readonly #cancelCollecting: () => void;
  #state: ConnectionState = IDLE;
  #collecting = true;
  #closed = false;
  #announcedAt: number;

  /** `emit` posts to all tabs, this one included. */
  constructor(
    environment: StreamEnvironment,
    group: TabGroup,
    groupName: string,
    emit: (message: LeaderMessage) => void,
  ) {
    this.#environment = environment;
    this.#group = group;
    this.#groupName = groupName;
    this.#emit = emit;
    this.#announcedAt = environment.clock.now();
    this.stream = new DirectStream(environment, {
      onState: (state) => this.#changed(state),
      onEvent: (event, epoch) => this.#passOn(event, epoch),
      onSubscribed: (topic, head, epoch) => emit({ kind: "subscribed", topic, head, epoch }),
      onReset: (topic, head, epoch) => emit({ kind: "reset", topic, head, epoch }),
      onRefused: (topic, code) => this.#refused(topic, code),
    });
    this.#cancelCollecting = environment.clock.after(COLLECT_MS, () => this.#serveCollected());
  }

  /** A tab's wanted topics. */
  receive(wants: TabWants): void {
    const { tab, topics } = wants;
    const known = this.#tabs.get(tab);
    const seenAt = this.#environment.clock.now();
    if (known !== undefined) Object.assign(known, { wants, seenAt });
    else if (this.#tabs.size < TABS_MAX)
      this.#tabs.set(tab, { wants, seenAt, stopWatching: this.#watch(tab) });
    this.#emitState();
    if (this.#collecting) return;
    this.#removeUnwanted();
    for (const [topic, position] of topics) this.#serve(topic, position);
  }

  /** A tab asks whether there is a leader. */
  asked(tab: string): void {
    const known = this.#tabs.get(tab);
    // A removed tab repeats its wanted topics.
    if (known === undefined) this.#emit({ kind: "lead" });
    else {
      known.seenAt = this.#environment.clock.now();
      this.#emitState();
    }
  }

  /** The tab closes or freezes. */
  drop(tab: string): void {
    this.#tabs.get(tab)?.stopWatching();
    this.#tabs.delete(tab);
    this.#removeUnwanted();
  }

  /** Announces that this tab leads, and the state of the stream. Removes silent tabs. */
  announce(): void {
    const now = this.#environment.clock.now();
    // After its own sleep this tab has received nothing from the others either.
    const slept = now - this.#announcedAt > SILENT_MS / 2;
    this.#announcedAt = now;
    for (const [tab, known] of this.#tabs) {
      if (slept || tab === this.#group.tab) known.seenAt = now;
      else if (now - known.seenAt > SILENT_MS) this.drop(tab);
    }
    this.#emitState();
  }

  close(): void {
    this.#closed = true;
    this.#cancelCollecting();
    for (const { stopWatching } of this.#tabs.values()) stopWatching();
    this.stream.close();
  }

  #changed(state: ConnectionState): void {
    this.#state = state;
    // The tab that closes does not end the others.
    if (!this.#closed) this.#emitState();
  }

  #emitState(): void {
    this.#emit({ kind: "state", state: this.#state });
  }

  #passOn(event: ClientEvent, epoch: Epoch): void {
    const { topic, seq } = event;
    const id = seq === undefined ? "" : formatPosition([[topic as Topic, { seq, epoch }]]);
    this.#emit({ kind: "event", event, id });
  }

  #refused(topic: Topic, code: string): void {
    this.#topics.delete(topic);
    for (const tab of this.#tabs.values()) {
      const topics = tab.wants.topics.filter(([wanted]) => wanted !== topic);
      tab.wants = { ...tab.wants, topics };
    }
    this.#emit({ kind: "refused", topic, code });
  }

  /** Connects for all tabs that replied, from the earliest of their positions. */
  #serveCollected(): void {
    this.#collecting = false;
    const earliest = new Map<Topic, TopicPosition | undefined>();
    for (const { wants } of this.#tabs.values()) {
      for (const [topic, position] of wants.topics) {
        const known = earliest.get(topic);
        const isEarlier = position !== undefined && known !== undefined && position.seq < known.seq;
        earliest.set(topic, known === undefined || isEarlier ? position : known);
      }
    }
    for (const [topic, position] of earliest) this.#add(topic, position);
  }

  #add(topic: Topic, position: TopicPosition | undefined): void {
    this.#topics.add(topic);
    this.stream.add(topic, position);
  }

  #serve(topic: Topic, position: TopicPosition | undefined): void {
    if (!this.#topics.has(topic)) {
      this.#add(topic, position);
      return;
    }
    const standing = this.stream.standing(topic);
    // Not active yet: it will be announced to all.
    if (standing === undefined) return;
    const { seq, position: { epoch } = { epoch: "" } } = standing;
    // A tab that missed something: the stream returns to there, and the others drop duplicates.
    if (position !== undefined && position.seq < seq) this.#add(topic, position);
    // Without a connection it will be announced when there is one.
    else if (this.#state.name === "connected")
      this.#emit({ kind: "subscribed", topic, head: seq, epoch });
  }

  #removeUnwanted(): void {
    const wanted = new Set<Topic>();
    for (const { wants } of this.#tabs.values())
      for (const [topic] of wants.topics) wanted.add(topic);
    for (const topic of this.#topics) {
      if (wanted.has(topic)) continue;
      this.#topics.delete(topic);
      this.stream.remove(topic);
    }
  }

  /** A browser may also take the lock of a frozen tab: then that tab replies soon. */
  #watch(tab: string): () => void {
    const { clock } = this.#environment;
    let cancelWait: (() => void) | undefined;
    const stopWatching = this.#group.watch(`${this.#groupName}/${tab}`, () => {
      const freedAt = clock.now();
      this.#emit({ kind: "roll-call" });
      cancelWait = clock.after(FREED_REPLY_MS, () => {
        if ((this.#tabs.get(tab)?.seenAt ?? 0) < freedAt) this.drop(tab);
      });
    });
    return () => {
      stopWatching();
      cancelWait?.();
    };
  }
}
