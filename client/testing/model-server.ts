/**
 * The server as the SDK sees it: logs, connections, positions, without a network. `fake-server.ts`
 * puts it on a socket; the property test puts a lossy network between it and the client.
 */

import {
  formatPoint,
  formatPosition,
  formatTopicPosition,
  type Json,
  type Message,
  markOf,
  parsePosition,
  type Topic,
} from "@ovation/protocol";

export interface StoredEvent {
  readonly topic: Topic;
  readonly type: string;
  readonly at: number;
  readonly data: Json;
  readonly seq?: number;
  readonly epoch?: string;
}

export interface ModelConnection {
  readonly id: string;
  readonly topics: Set<Topic>;
  send(message: Message): void;
  end(): void;
}

const FRONTEND = "f00000" as never;

export class ModelServer {
  readonly connections = new Map<string, ModelConnection>();
  heartbeatMs = 15_000;
  /** How many of the newest events can be recovered. */
  kept = Number.POSITIVE_INFINITY;
  epoch = "e1";
  /** Whether an event is sent when it is published; false: it is in the log, and lost in flight. */
  broadcasts: (event: StoredEvent) => boolean = () => true;
  /** Topics that are refused, with their code. */
  readonly refused = new Map<string, string>();
  /** The topic that every connection has, requested or not: the own topic of the token's member. */
  own: Topic | undefined;
  readonly #logs = new Map<Topic, StoredEvent[]>();
  #count = 0;
  #order = 0;

  log(topic: string): StoredEvent[] {
    const log = this.#logs.get(topic as Topic) ?? [];
    this.#logs.set(topic as Topic, log);
    return log;
  }

  /** A restored backup: the log is cut to `seq` events and continues in another epoch. */
  restore(topic: string, seq: number, epoch: string): void {
    this.log(topic).length = seq;
    this.epoch = epoch;
  }

  publish(topic: string, type: string, data: Json, durable = true): StoredEvent {
    const log = this.log(topic);
    const place = durable ? { seq: log.length + 1, epoch: this.epoch } : {};
    const event: StoredEvent = {
      topic: topic as Topic,
      type,
      at: 1_732_300_000_000 + this.#order,
      data,
      ...place,
    };
    if (durable) log.push(event);
    if (this.broadcasts(event)) this.broadcast(event);
    return event;
  }

  broadcast(event: StoredEvent): void {
    const message = {
      type: event.type,
      data: envelope(event),
      lastEventId: this.#broadcastId(event),
    };
    for (const connection of [...this.connections.values()])
      if (connection.topics.has(event.topic)) connection.send(message);
  }

  /** Opens a connection: first event, replay, then all broadcasts. */
  connect(
    url: URL,
    position: string | null,
    send: (message: Message) => void,
    end: () => void,
  ): ModelConnection {
    const asked = url.searchParams.getAll("topic") as Topic[];
    const topics = [...new Set(this.own === undefined ? asked : [...asked, this.own])];
    const claimed = parsePosition(position ?? "")?.topics;
    const standings = new Map<Topic, { seq: number; epoch: string }>();
    const answers: Record<string, { head: number; recovered: boolean }> = {};
    for (const topic of topics) {
      const log = this.log(topic);
      const claim = claimed?.get(markOf(topic));
      const recovered =
        claim === undefined ||
        (claim.seq >= log.length - this.kept &&
          claim.seq <= log.length &&
          this.#epochAt(topic, claim.seq) === claim.epoch);
      standings.set(
        topic,
        claim !== undefined && recovered
          ? claim
          : { seq: log.length, epoch: this.#epochAt(topic, log.length) },
      );
      answers[topic] = { head: log.length, recovered };
    }
    const connection: ModelConnection = {
      id: `f00000.${this.#count++}`,
      topics: new Set(topics),
      send,
      end,
    };
    this.connections.set(connection.id, connection);
    const content = { connectionId: connection.id, heartbeatMs: this.heartbeatMs, topics: answers };
    send({
      type: "connection",
      data: JSON.stringify(content),
      lastEventId: formatPosition(standings),
    });
    for (const topic of topics) {
      for (const event of this.log(topic).slice(standings.get(topic)?.seq)) {
        standings.set(topic, { seq: event.seq ?? 0, epoch: event.epoch ?? "" });
        send({ type: event.type, data: envelope(event), lastEventId: formatPosition(standings) });
      }
    }
    return connection;
  }

  /** The response to PUT and DELETE; undefined where the connection is unknown. */
  change(id: string, method: string, topics: readonly string[]): Record<string, Json> | undefined {
    const connection = this.connections.get(id);
    if (connection === undefined) return undefined;
    const results: Record<string, Json> = {};
    for (const topic of topics as Topic[]) {
      const refused = this.refused.get(topic);
      if (method === "DELETE") {
        if (topic !== this.own) connection.topics.delete(topic);
      } else if (refused === undefined) connection.topics.add(topic);
      const head = this.log(topic).length;
      results[topic] =
        refused === undefined
          ? { ok: true, head, epoch: this.#epochAt(topic, head) }
          : { ok: false, error: refused };
    }
    return { results };
  }

  #epochAt(topic: Topic, seq: number): string {
    return this.log(topic)[seq - 1]?.epoch ?? "";
  }

  #broadcastId({ topic, seq, epoch }: StoredEvent): string {
    const head = this.log(topic).length;
    const position = { seq: seq ?? head, epoch: epoch ?? this.#epochAt(topic, head) };
    return (
      formatPoint({ stamp: 1, frontend: FRONTEND, order: this.#order++ }) +
      formatTopicPosition(markOf(topic), position)
    );
  }
}

function envelope({ topic, seq, at, data }: StoredEvent): string {
  return JSON.stringify({ topic, ...(seq !== undefined && { seq }), at, data });
}
