/**
 * A stream that the tabs of an origin share: over HTTP/1.1 a browser opens six connections to a
 * server, and the seventh tab would hang. One tab leads and has the connection; when it is closed,
 * crashes, freezes or sleeps, another one leads (`tab-election.ts`). Loaded only where it is used.
 *
 * Invariant: each tab has its own sequence per topic, so it gets each durable event once and in
 * order whichever tab leads, and pulls missing events with its own position.
 */

import type { Topic, TopicPosition } from "@ovation/protocol";
import { IDLE } from "../state/state.ts";
import type { Stream, StreamEnvironment, StreamSink } from "../stream/stream.ts";
import { TopicTable } from "../stream/topic-table.ts";
import type { ConnectionState } from "../types.ts";
import { TabElection } from "./tab-election.ts";
import type { LeaderMessage, TabGroup } from "./tab-group.ts";

/** How often a tab repeats its wanted topics, in case a message was lost, ms. */
const REPEAT_MS = 15_000;

export class SharedStream implements Stream {
  readonly #environment: StreamEnvironment;
  readonly #sink: StreamSink;
  readonly #group: TabGroup;
  readonly #table: TopicTable;
  #election: TabElection | undefined;
  /** Rises with every group that is joined or left. */
  #generation = 0;
  #shown: ConnectionState = IDLE;
  #asleep = false;
  #closed = false;
  #announcing = false;
  #cancelRepeat: (() => void) | undefined;

  constructor(environment: StreamEnvironment, sink: StreamSink, group: TabGroup) {
    const { clock, random } = environment;
    this.#environment = environment;
    this.#sink = sink;
    this.#group = group;
    this.#table = new TopicTable(clock, random, sink, () => this.#announce());
    this.#start();
  }

  add(topic: Topic, from?: TopicPosition): void {
    this.#table.add(topic, from);
    this.#announce();
    this.#election?.check();
  }

  remove(topic: Topic): void {
    this.#table.remove(topic);
    this.#announce();
  }

  standing(topic: Topic): ReturnType<Stream["standing"]> {
    return this.#table.standing(topic);
  }

  tokenChanged(): void {
    this.#leave();
    this.#start();
  }

  wake(): void {
    if (this.#asleep) {
      this.#asleep = false;
      this.#start();
      return;
    }
    this.#election?.leader?.stream.wake();
    this.#announce();
    this.#election?.check();
  }

  offline(): void {
    this.#election?.leader?.stream.offline();
  }

  sleep(): void {
    if (this.#closed) return;
    this.#asleep = true;
    this.#leave();
  }

  close(): void {
    this.#closed = true;
    this.#leave();
    for (const topic of this.#table.topics) this.#table.remove(topic);
    this.#show({ name: "closed", reason: "closed-by-application" });
  }

  #start(): void {
    // Rejects only where the browser withdraws the channel that it gave before.
    this.#join().catch((error: unknown) =>
      this.#sink.onState({ name: "failed", reason: "stopped", detail: String(error) }),
    );
  }

  async #join(): Promise<void> {
    const generation = ++this.#generation;
    const environment = this.#environment;
    const secret = JSON.stringify([environment.url, await this.#secret()]);
    const name = `ovation/${await this.#group.digest(secret)}`;
    if (generation !== this.#generation) return;
    this.#election = new TabElection(
      name,
      environment,
      this.#group,
      (message) => generation === this.#generation && this.#receive(message),
    );
    this.#announce();
    this.#election.check();
  }

  /** Tabs with other tokens get other events: they are another group. */
  async #secret(): Promise<string | null> {
    try {
      return (await this.#environment.token.get()) ?? null;
    } catch {
      // A separate group; its stream connects with the token and reports the error.
      return this.#group.tab;
    }
  }

  #leave(): void {
    this.#generation++;
    this.#cancelRepeat?.();
    this.#election?.leave();
    this.#election = undefined;
    this.#table.disconnected();
  }

  /** Posts this tab's topics: once per turn, and again after a while. */
  #announce(): void {
    if (this.#announcing) return;
    this.#announcing = true;
    queueMicrotask(() => {
      this.#announcing = false;
      this.#cancelRepeat?.();
      if (this.#election === undefined) return;
      const table = this.#table;
      const topics = table.topics.map((topic) => [topic, table.standing(topic)?.position] as const);
      this.#election.announce({ kind: "wants", tab: this.#group.tab, topics });
      this.#cancelRepeat = this.#environment.clock.after(REPEAT_MS, () => this.#announce());
      if (topics.length === 0 && !this.#closed) this.#show(IDLE);
    });
  }

  #show(state: ConnectionState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#shown)) return;
    this.#shown = state;
    this.#sink.onState(state);
  }

  #receive(message: LeaderMessage): void {
    const table = this.#table;
    switch (message.kind) {
      case "lead":
        table.disconnected();
        this.#announce();
        break;
      case "roll-call":
        this.#announce();
        break;
      case "state":
        // Missing events are waited for only while another tab could bring them.
        if (message.state.name !== "connected") table.disconnected();
        // A new leader is idle while it collects the topics of all tabs.
        if (table.topics.length > 0 && message.state.name !== "idle") this.#show(message.state);
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
}
