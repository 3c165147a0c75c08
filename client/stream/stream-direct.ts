/**
 * The stream over a connection of this page: opened, monitored, reopened while it has subscribers.
 *
 * Life cycle: the states of `state.ts`. Invariants: at most one connection is open; calls of a
 * closed one are ignored; every state but idle, connected, failed and closed has a timer that ends
 * it.
 */

import { type Message, pointOf, type Topic, type TopicPosition } from "@ovation/protocol";
import type { ClientEvent } from "../event-types.ts";
import {
  CONNECT_TIMEOUT_MS,
  FIRST_EVENT_MS,
  FULL_ATTEMPT,
  RETRY_ASKED_MS_MAX,
  STABLE_MS,
} from "../limits.ts";
import type { ApiError } from "../requests/api-error.ts";
import { boundRetryMs, drawRetryMs } from "../requests/backoff.ts";
import { type Fields, readContent } from "../state/content.ts";
import {
  type ConnectReason,
  type FailReason,
  IDLE,
  type Step,
  transition,
  type WaitReason,
} from "../state/state.ts";
import { Fallback } from "../transport/fallback.ts";
import type { TransportEnd } from "../transport/transport.ts";
import type { ConnectionState } from "../types.ts";
import { HeartbeatMonitor } from "./heartbeat-monitor.ts";
import type { Stream, StreamEnvironment, StreamSink } from "./stream.ts";
import { StreamConnection } from "./stream-connection.ts";
import { SubscriptionChanges } from "./subscription-changes.ts";
import { type TopicAnswer, TopicTable } from "./topic-table.ts";

export class DirectStream implements Stream {
  readonly #environment: StreamEnvironment;
  readonly #sink: StreamSink;
  readonly #table: TopicTable;
  readonly #fallback: Fallback;
  readonly #changes: SubscriptionChanges;
  readonly #heartbeats: HeartbeatMonitor;
  #state: ConnectionState = IDLE;
  #connection: StreamConnection | undefined;
  #usedToken: string | undefined;
  #tokenExpired = false;
  #renewals = 0;
  #attempt = 0;
  #openedAt = 0;
  #lastId = "";
  /** The connection of the newest poll. The next stream names it: the server ends it. */
  #polledId: string | undefined;
  /** Ends the present state: the next attempt, or the timeout of this one. */
  #cancelTimer: (() => void) | undefined;
  #cancelAsked: (() => void) | undefined;
  /** When the server wants this client back, ms of the clock. */
  #askedAt: number | undefined;
  #settling = false;
  /** A topic was set to a position while a connection was open: only a new URL can express it. */
  #rewound = false;

  constructor(environment: StreamEnvironment, sink: StreamSink) {
    const { clock, random, send } = environment;
    this.#environment = environment;
    this.#sink = sink;
    // Durable events are missing and did not arrive: reconnect from before them.
    this.#table = new TopicTable(clock, random, sink, () => this.#connect("missed-events"));
    this.#fallback = new Fallback(clock, random);
    this.#changes = new SubscriptionChanges(this.#table, send, clock, () =>
      this.#connect("topics-changed"),
    );
    const connection = (): StreamConnection | undefined => this.#connection;
    this.#heartbeats = new HeartbeatMonitor(clock, random, {
      get seesHeartbeats() {
        return connection()?.seesHeartbeats;
      },
      onMissed: () => this.#lose("heartbeat-missed"),
      onSilent: () => this.#changes.verify(),
    });
  }

  add(topic: Topic, from?: TopicPosition): void {
    this.#table.add(topic, from);
    if (from !== undefined) this.#rewound = true;
    this.#settleSoon();
  }

  remove(topic: Topic): void {
    this.#table.remove(topic);
    this.#settleSoon();
  }

  standing(topic: Topic): ReturnType<Stream["standing"]> {
    return this.#table.standing(topic);
  }

  tokenChanged(): void {
    this.#tokenExpired = false;
    const { name } = this.#state;
    if (name !== "idle" && name !== "closed") this.#connect("token-refreshed");
  }

  wake(): void {
    const { name, reason } = this.#state;
    if (name === "connected") this.#heartbeats.wake();
    else if (name === "waiting" && reason !== "server-asked" && reason !== "token-expired")
      this.#connect("retry");
  }

  offline(): void {
    this.#fallback.forget();
    this.#disconnect(this.#environment.retryMs.longest);
  }

  sleep(): void {
    // A frozen page has no timers; the long one is for the page that continues without an event.
    this.#disconnect(RETRY_ASKED_MS_MAX);
  }

  close(): void {
    this.#drop();
    for (const topic of this.#table.topics) this.#table.remove(topic);
    this.#move({ step: "close" });
  }

  #move(step: Step): void {
    const next = transition(this.#state, step);
    if (next === this.#state) return;
    this.#state = next;
    this.#sink.onState(next);
  }

  /** Closes the connection and all that waits on it. */
  #drop(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#cancelTimer?.();
    this.#cancelAsked?.();
    this.#askedAt = undefined;
    this.#heartbeats.stop();
    this.#changes.end();
    this.#fallback.ended();
    this.#table.disconnected();
  }

  #connect(reason: ConnectReason): void {
    this.#drop();
    const { clock, token } = this.#environment;
    const connection = new StreamConnection();
    this.#connection = connection;
    this.#cancelTimer = clock.after(CONNECT_TIMEOUT_MS, () => {
      this.#fallback.silent(connection.answered);
      this.#lose("network");
    });
    const ready = this.#tokenExpired ? token.renew(this.#usedToken) : token.get();
    ready.then(
      (value) => connection === this.#connection && this.#open(connection, value),
      () => connection === this.#connection && this.#lose("token-expired"),
    );
    this.#move({ step: "connect", reason });
  }

  #open(connection: StreamConnection, token: string | undefined): void {
    const environment = this.#environment;
    this.#usedToken = token;
    this.#tokenExpired = false;
    this.#rewound = false;
    connection.topics = this.#table.topics;
    const { polls } = this.#fallback;
    const url = this.#url(connection.topics, polls ? undefined : this.#polledId);
    connection.open({ url, token }, environment, polls, {
      onAlive: () => this.#heartbeats.seen(),
      onMessage: (message) => this.#receive(connection, message),
      onEnd: (end) => this.#ended(connection, end),
    });
    if (environment.openPoll === undefined || polls) return;
    this.#cancelTimer?.();
    this.#cancelTimer = environment.clock.after(FIRST_EVENT_MS, () => {
      this.#fallback.heldBack();
      this.#connect("retry");
    });
  }

  #url(topics: readonly Topic[], replaced: string | undefined): string {
    const parameters = new URLSearchParams(topics.map((topic) => ["topic", topic]));
    // One SSE name for all events: no transport has to know their types.
    parameters.set("events", "message");
    const positions = this.#table.formatPositions();
    if (positions !== undefined) parameters.set("last_event_id", positions);
    const seen = pointOf(this.#lastId);
    if (seen !== undefined) parameters.set("seen", seen);
    if (replaced !== undefined) parameters.set("connection", replaced);
    return `${this.#environment.url}/v1/events?${parameters}`;
  }

  #receive(connection: StreamConnection, message: Message): void {
    const { lastEventId } = message;
    if (lastEventId !== "") this.#lastId = lastEventId;
    const { type, fields } = readContent(message) ?? {};
    if (type === undefined || fields === undefined) this.#lose("network");
    else if (type === "connection") this.#opened(connection, fields, lastEventId);
    else if (type === "reconnect") this.#serverAsked(fields);
    else this.#table.receive(type, fields as unknown as ClientEvent, lastEventId);
  }

  /** The first event. A callback may close the connection, hence the checks. */
  #opened(connection: StreamConnection, content: Fields, id: string): void {
    // A poll's connection had ended, and the server made another one: it resumes by the position.
    if (this.#state.name === "connected") {
      this.#changes.end();
      this.#table.disconnected();
      this.#move({ step: "connect", reason: "retry" });
      if (connection !== this.#connection) return;
    }
    this.#cancelTimer?.();
    this.#fallback.opened(() => this.#connect("retry"));
    this.#openedAt = this.#environment.clock.now();
    this.#renewals = 0;
    const { heartbeatMs, topics = {} } = content;
    const connectionId = String(content["connectionId"]);
    this.#polledId = connection.polls ? connectionId : undefined;
    this.#move({ step: "opened", connectionId });
    if (connection !== this.#connection) return;
    this.#heartbeats.start(typeof heartbeatMs === "number" ? heartbeatMs : 0);
    this.#table.opened(topics as Readonly<Record<string, TopicAnswer>>, id);
    if (connection === this.#connection) this.#changes.begin(connectionId, connection.topics);
    this.#settleSoon();
  }

  /**
   * The server asks this client to reconnect in a while; until then, or until it ends the stream,
   * events still come.
   */
  #serverAsked(content: Fields): void {
    if (content["reason"] === "token-expired") {
      this.#renewToken("token-expired");
      return;
    }
    const { clock } = this.#environment;
    const afterMs = boundRetryMs(Number(content["afterMs"] ?? 0));
    this.#askedAt = clock.now() + afterMs;
    this.#cancelAsked?.();
    this.#cancelAsked = clock.after(afterMs, () => this.#connect("retry"));
  }

  #ended({ answered, heard, retryMs }: StreamConnection, end: TransportEnd): void {
    // Accepted and closed before the first event: so a full server signals that it is full, and
    // its `retry:` is hidden by EventSource.
    if (answered && this.#state.name === "connecting")
      this.#attempt = Math.max(this.#attempt, FULL_ATTEMPT);
    if (end.kind === "refused") {
      this.#refused(end.error);
      return;
    }
    if (!heard) this.#fallback.silent(answered);
    const askedMs =
      this.#askedAt === undefined
        ? undefined
        : Math.max(0, this.#askedAt - this.#environment.clock.now());
    // The server drew `retry:` for this connection; for repeated failures our own backoff grows.
    const hintMs =
      retryMs !== undefined && (this.#attempt === 0 || end.kind === "ended")
        ? boundRetryMs(retryMs)
        : undefined;
    const wasAsked = askedMs !== undefined || end.kind === "ended";
    this.#lose(wasAsked ? "server-asked" : "network", askedMs ?? hintMs);
  }

  #refused({ status, code, detail, retryAfterMs, topic }: ApiError): void {
    const table = this.#table;
    if (topic !== undefined && table.has(topic as Topic)) {
      // One topic is not allowed: the others continue without it.
      if (table.topics.length > 1) this.#lose("network", 0);
      else this.#fail("forbidden", detail);
      table.answered(topic as Topic, { error: code });
    } else if (status === 401) this.#renewToken(code, detail);
    // [spec] HTTP 204: the client is told to stop reconnecting.
    else if (status === 204) this.#fail("stopped", "the server answered 204");
    else if (status === 403) this.#fail("forbidden", detail);
    else if (code === "invalid-position") {
      table.forgetPositions();
      this.#lose("network");
    } else if (status === 400) this.#fail("stopped", `${code}: ${detail}`);
    else if (retryAfterMs === undefined) this.#lose("network");
    else this.#lose("network", boundRetryMs(retryAfterMs) + this.#drawRetryMs());
  }

  #renewToken(code: string, detail = code): void {
    if (code !== "token-expired" || !this.#environment.token.renewable) {
      this.#fail("token-invalid", detail);
      return;
    }
    this.#tokenExpired = true;
    // A callback that returns expired tokens is not called in a tight loop.
    this.#lose("token-expired", this.#renewals++ === 0 ? 0 : undefined);
  }

  #fail(reason: FailReason, detail: string): void {
    this.#drop();
    this.#move({ step: "refused", reason, detail });
  }

  #lose(reason: WaitReason, waitMs?: number): void {
    const { clock } = this.#environment;
    if (this.#state.name === "connected" && clock.now() - this.#openedAt >= STABLE_MS)
      this.#attempt = 0;
    const retryInMs = waitMs ?? this.#drawRetryMs();
    this.#drop();
    const next = reason === "token-expired" ? "token-refreshed" : "retry";
    this.#cancelTimer = clock.after(retryInMs, () => this.#connect(next));
    this.#move({ step: "lost", reason, retryInMs, attempt: this.#attempt++ });
  }

  #drawRetryMs(): number {
    const { retryMs, random } = this.#environment;
    return drawRetryMs(this.#attempt, retryMs, random);
  }

  #disconnect(retryInMs: number): void {
    const { name } = this.#state;
    if (name === "connecting" || name === "connected" || name === "waiting")
      this.#lose("offline", retryInMs);
  }

  #settleSoon(): void {
    if (this.#settling) return;
    this.#settling = true;
    queueMicrotask(() => this.#settle());
  }

  /** Brings the connection to the topics that are wanted now. */
  #settle(): void {
    this.#settling = false;
    const { name, reason } = this.#state;
    const empty = this.#table.topics.length === 0;
    if (this.#rewound && this.#connection?.isOpen && !empty) this.#connect("topics-changed");
    else if (name === "connected" && !empty) this.#changes.settle();
    else if (name === "idle" || (name === "failed" && reason === "forbidden")) {
      if (!empty) this.#connect("first");
    } else if (empty && name !== "failed" && name !== "closed") {
      this.#drop();
      this.#move({ step: "emptied" });
    }
  }
}
