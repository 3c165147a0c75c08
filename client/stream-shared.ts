/**
 * A stream that the tabs of an origin share: over HTTP/1.1 a browser opens six connections to a
 * server, and the seventh tab would hang. One tab leads and holds the connection; when it is closed,
 * dies or freezes, another one leads. Loaded only where it is used.
 *
 * Invariant: each tab has its own sequence per topic, so it sees each durable event once and in order
 * whoever leads, and what it misses it asks for with its own position.
 */

import type { Topic, TopicPosition } from "@ovation/protocol";
import { IDLE } from "./state.ts";
import type { Stream, StreamEnvironment, StreamSink } from "./stream.ts";
import {
  createBrowserTabGroup,
  type LeaderMessage,
  type TabGroup,
  type TabWants,
} from "./tab-group.ts";
import { createTabLeader, type TabLeader } from "./tab-leader.ts";
import { createTopicTable } from "./topics.ts";
import type { ConnectionState } from "./types.ts";

/** A leader that does not answer for this long is frozen, and its lock is taken, ms. */
const LEADER_ANSWER_MS = 3_000;
/** How often a tab makes sure of its leader, ms. */
const LEADER_CHECK_MS = 15_000;

export function createSharedStream(
  environment: StreamEnvironment,
  sink: StreamSink,
  group: TabGroup = createBrowserTabGroup(),
): Stream {
  const { clock, random, token } = environment;
  const table = createTopicTable(clock, random, sink, tell);
  const types = new Set<string>();
  let membership: Membership | undefined;
  /** Rises with every group that is joined or left. */
  let life = 0;
  let shown: ConnectionState = IDLE;
  let closed = false;
  let telling = false;
  let heardAt = 0;
  let cancelCheck: (() => void) | undefined;

  async function join(): Promise<void> {
    const mine = ++life;
    const name = `ovation/${await group.digest(JSON.stringify([environment.url, await secret()]))}`;
    if (mine !== life) return;
    membership = joinGroup(
      name,
      environment,
      group,
      (message) => mine === life && receive(message),
      tell,
    );
    tell();
    expectAnswer();
  }

  /** Tabs with other tokens see other things: they are another group. */
  async function secret(): Promise<string | null> {
    try {
      return (await token.get()) ?? null;
    } catch {
      // Nobody else's group; the stream of this one asks again and says what is wrong.
      return group.tab;
    }
  }

  function leave(): void {
    life++;
    cancelCheck?.();
    membership?.leave();
    membership = undefined;
    table.disconnected();
  }

  /** A leader that does not answer is frozen: its place is taken. Otherwise it is asked again after a while. */
  function expectAnswer(): void {
    const askedAt = clock.now();
    cancelCheck?.();
    cancelCheck = clock.after(LEADER_ANSWER_MS, () => {
      if (heardAt < askedAt) membership?.takeOver();
      cancelCheck = clock.after(LEADER_CHECK_MS, () => {
        tell();
        expectAnswer();
      });
    });
  }

  /** Says what this tab wants: once per turn. */
  function tell(): void {
    if (telling) return;
    telling = true;
    queueMicrotask(() => {
      telling = false;
      const topics = table.topics.map((topic) => [topic, table.standing(topic)?.position] as const);
      membership?.tell({ kind: "wants", tab: group.tab, topics, types: [...types] });
      if (topics.length === 0 && !closed) show(IDLE);
    });
  }

  function show(state: ConnectionState): void {
    if (JSON.stringify(state) === JSON.stringify(shown)) return;
    shown = state;
    sink.onState(state);
  }

  function receive(message: LeaderMessage): void {
    heardAt = clock.now();
    switch (message.kind) {
      case "lead":
        table.disconnected();
        tell();
        break;
      case "state":
        // What is missing is waited for only while somebody could bring it.
        if (message.state.name !== "connected") table.disconnected();
        if (table.topics.length > 0) show(message.state);
        break;
      case "event":
        table.receive(message.event.type, message.event, message.id);
        break;
      case "subscribed":
        table.answered(message.topic, message);
        break;
      case "reset":
        table.reset(message.topic, message.head, message.epoch);
        break;
      case "refused":
        table.answered(message.topic, { error: message.code });
        break;
    }
  }

  function start(): void {
    // `join` rejects only where the browser has no digest, and then it has no locks either.
    join().catch((error: unknown) =>
      sink.onState({ name: "failed", reason: "stopped", detail: String(error) }),
    );
  }

  start();
  return {
    add(topic: Topic, from?: TopicPosition) {
      table.add(topic, from);
      tell();
      if (membership !== undefined) expectAnswer();
    },
    remove(topic) {
      table.remove(topic);
      tell();
    },
    standing: (topic) => table.standing(topic),
    listen(more) {
      for (const type of more) types.add(type);
      tell();
    },
    tokenChanged() {
      leave();
      start();
    },
    wake() {
      membership?.leader?.stream.wake();
      tell();
      if (membership !== undefined) expectAnswer();
    },
    offline() {
      membership?.leader?.stream.offline();
    },
    close() {
      closed = true;
      leave();
      for (const topic of table.topics) table.remove(topic);
      show({ name: "closed", reason: "closed-by-application" });
    },
  };
}

interface Membership {
  readonly leader: TabLeader | undefined;
  tell(wants: TabWants): void;
  /** Leads in place of whoever does. */
  takeOver(): void;
  leave(): void;
}

/** `onMessage` gets what the leader says, be it this tab; `onDeposed`: another tab took over. */
function joinGroup(
  name: string,
  environment: StreamEnvironment,
  group: TabGroup,
  onMessage: (message: LeaderMessage) => void,
  onDeposed: () => void,
): Membership {
  let leader: TabLeader | undefined;
  const { post, leave } = group.join(name, (message) => {
    if (message.kind === "wants") leader?.hear(message);
    else if (leader === undefined) onMessage(message);
  });
  // Free when this tab is gone: how the leader learns of it.
  const releaseSelf = group.lock(`${name}/${group.tab}`, false, () => {});
  let releaseLead = group.lock(name, false, lead, stepDown);

  function emit(message: LeaderMessage): void {
    post(message);
    onMessage(message);
  }

  function lead(): void {
    leader = createTabLeader(environment, group, name, emit);
    emit({ kind: "lead" });
  }

  function stepDown(): void {
    leader?.close();
    leader = undefined;
    releaseLead = group.lock(name, false, lead, stepDown);
    onDeposed();
  }

  return {
    get leader() {
      return leader;
    },
    tell(wants) {
      if (leader === undefined) post(wants);
      else leader.hear(wants);
    },
    takeOver() {
      if (leader !== undefined) return;
      releaseLead();
      releaseLead = group.lock(name, true, lead, stepDown);
    },
    leave() {
      post({ kind: "wants", tab: group.tab, topics: [], types: [] });
      leave();
      leader?.close();
      leader = undefined;
      releaseLead();
      releaseSelf();
    },
  };
}
