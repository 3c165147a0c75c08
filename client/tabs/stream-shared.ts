/**
 * A stream that the tabs of an origin share: over HTTP/1.1 a browser opens six connections to a
 * server, and the seventh tab would hang. One tab leads and holds the connection; when it is
 * closed, dies, freezes or sleeps, another one leads (`tab-election.ts`). Loaded only where it is
 * used.
 *
 * Invariant: each tab has its own sequence per topic, so it gets each durable event once and in
 * order whichever tab leads, and pulls missing events with its own position.
 */

import type { Topic, TopicPosition } from "@ovation/protocol";
import { IDLE } from "../state.ts";
import type { Stream, StreamEnvironment, StreamSink } from "../stream/stream.ts";
import { createTopicTable } from "../stream/topics.ts";
import type { ConnectionState } from "../types.ts";
import { joinGroup, type Membership } from "./tab-election.ts";
import type { LeaderMessage, TabGroup } from "./tab-group.ts";

/** How often a tab repeats its wanted topics, in case a message was lost, ms. */
const TELL_MS = 15_000;

export function createSharedStream(
  environment: StreamEnvironment,
  sink: StreamSink,
  group: TabGroup,
): Stream {
  const { clock, random, token } = environment;
  const table = createTopicTable(clock, random, sink, tell);
  let membership: Membership | undefined;
  /** Rises with every group that is joined or left. */
  let life = 0;
  let shown: ConnectionState = IDLE;
  let asleep = false;
  let closed = false;
  let telling = false;
  let cancelTell: (() => void) | undefined;

  async function join(): Promise<void> {
    const mine = ++life;
    const name = `ovation/${await group.digest(JSON.stringify([environment.url, await secret()]))}`;
    if (mine !== life) return;
    membership = joinGroup(
      name,
      environment,
      group,
      (message) => mine === life && receive(message),
    );
    tell();
    membership.check();
  }

  /** Tabs with other tokens get other events: they are another group. */
  async function secret(): Promise<string | null> {
    try {
      return (await token.get()) ?? null;
    } catch {
      // A separate group; its stream connects with the token and reports the error.
      return group.tab;
    }
  }

  function leave(): void {
    life++;
    cancelTell?.();
    membership?.leave();
    membership = undefined;
    table.disconnected();
  }

  /** Posts this tab's topics: once per turn, and again after a while. */
  function tell(): void {
    if (telling) return;
    telling = true;
    queueMicrotask(() => {
      telling = false;
      cancelTell?.();
      if (membership === undefined) return;
      const topics = table.topics.map((topic) => [topic, table.standing(topic)?.position] as const);
      membership.tell({ kind: "wants", tab: group.tab, topics });
      cancelTell = clock.after(TELL_MS, tell);
      if (topics.length === 0 && !closed) show(IDLE);
    });
  }

  function show(state: ConnectionState): void {
    if (JSON.stringify(state) === JSON.stringify(shown)) return;
    shown = state;
    sink.onState(state);
  }

  function receive(message: LeaderMessage): void {
    switch (message.kind) {
      case "lead":
        table.disconnected();
        tell();
        break;
      case "roll-call":
        tell();
        break;
      case "state":
        // Missing events are waited for only while another tab could bring them.
        if (message.state.name !== "connected") table.disconnected();
        // A new leader is idle while it collects the topics of all tabs.
        if (table.topics.length > 0 && message.state.name !== "idle") show(message.state);
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
    // `join` rejects only where the browser withdraws the channel that it gave before.
    join().catch((error: unknown) =>
      sink.onState({ name: "failed", reason: "stopped", detail: String(error) }),
    );
  }

  start();
  return {
    add(topic: Topic, from?: TopicPosition) {
      table.add(topic, from);
      tell();
      membership?.check();
    },
    remove(topic) {
      table.remove(topic);
      tell();
    },
    standing: (topic) => table.standing(topic),
    tokenChanged() {
      leave();
      start();
    },
    wake() {
      if (asleep) {
        asleep = false;
        start();
        return;
      }
      membership?.leader?.stream.wake();
      tell();
      membership?.check();
    },
    offline() {
      membership?.leader?.stream.offline();
    },
    sleep() {
      if (closed) return;
      asleep = true;
      leave();
    },
    close() {
      closed = true;
      leave();
      for (const topic of table.topics) table.remove(topic);
      show({ name: "closed", reason: "closed-by-application" });
    },
  };
}
