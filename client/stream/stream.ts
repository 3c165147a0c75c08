/**
 * The stream: one connection for many topics, opened, monitored, reopened while it has subscribers.
 *
 * Life cycle: the states of `state.ts`. Invariants: at most one transport is open; calls of a
 * closed one are ignored; every state but idle, connected, failed and closed has a timer that ends
 * it.
 */

import { type Clock, pointOf, type Topic, type TopicPosition } from "@ovation/protocol";
import type { ApiError } from "../api-error.ts";
import { type Fields, readContent } from "../content.ts";
import {
  CONNECT_TIMEOUT_MS,
  FIRST_EVENT_MS,
  FULL_ATTEMPT,
  HEARTBEATS_MISSED_MAX,
  RETRY_ASKED_MS_MAX,
  STABLE_MS,
} from "../limits.ts";
import type { SendRequest } from "../request.ts";
import {
  type ConnectReason,
  type FailReason,
  IDLE,
  type Step,
  transition,
  type WaitReason,
} from "../state.ts";
import type { TokenKeeper } from "../token.ts";
import { boundRetryMs, drawRetryMs } from "../transport/backoff.ts";
import { createFallback } from "../transport/fallback.ts";
import type {
  OpenTransport,
  Transport,
  TransportCallbacks,
  TransportEnd,
} from "../transport/transport.ts";
import { tried } from "../tried.ts";
import type { ClientEvent, ConnectionState } from "../types.ts";
import { createChanges } from "./changes.ts";
import { createTopicTable, type TopicAnswer, type TopicSink } from "./topics.ts";

export interface StreamEnvironment {
  /** The server, without a slash at the end. */
  readonly url: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly retryMs: { readonly first: number; readonly longest: number };
  readonly token: TokenKeeper;
  readonly send: SendRequest;
  /** The transport that sees comment lines and the status of a refusal. */
  readonly openFetch: OpenTransport;
  /** The browser's own, used while it works; undefined where there is none. */
  readonly openEventSource: OpenTransport | undefined;
  /** For networks where streams do not work; undefined where the application carries the stream. */
  readonly openPoll: OpenTransport | undefined;
}

export interface StreamSink extends TopicSink {
  onState(state: ConnectionState): void;
}

export interface Stream {
  add(topic: Topic, from?: TopicPosition): void;
  remove(topic: Topic): void;
  /** The topic's position, for a second subscriber of it. */
  standing(
    topic: Topic,
  ): { readonly seq: number; readonly position: TopicPosition | undefined } | undefined;
  /** The token was replaced: reconnects with it, from the current positions. */
  tokenChanged(): void;
  /** The page went on- or offline, or became visible again. */
  wake(): void;
  offline(): void;
  /** The page freezes, and `wake` may never come: releases everything that a browser takes away. */
  sleep(): void;
  close(): void;
}

export function createStream(environment: StreamEnvironment, sink: StreamSink): Stream {
  const { clock, random, token } = environment;
  const table = createTopicTable(clock, random, sink, pull);
  const fallback = createFallback(clock, random);
  const changes = createChanges(table, environment.send, clock, () => connect("topics-changed"));

  let state: ConnectionState = IDLE;
  let transport: Transport | undefined;
  /** Rises whenever a connection is closed, so that late callbacks are recognised. */
  let generation = 0;
  let usedToken: string | undefined;
  let tokenExpired = false;
  let renewals = 0;
  let attempt = 0;
  let openedAt = 0;
  let seenAt = 0;
  let lastId = "";
  let heartbeatMs = 0;
  let cancelTimer: (() => void) | undefined;
  let cancelAsked: (() => void) | undefined;
  /** When the server wants us back, ms of the clock. */
  let askedAt: number | undefined;
  let settling = false;
  /** A topic was set to a position while a connection was open: only a new URL can express it. */
  let rewound = false;

  function move(step: Step): void {
    const next = transition(state, step);
    if (next === state) return;
    state = next;
    sink.onState(next);
  }

  /** Closes the connection and all that waits on it. */
  function drop(): void {
    generation++;
    transport?.close();
    transport = undefined;
    cancelTimer?.();
    cancelAsked?.();
    askedAt = undefined;
    changes.end();
    fallback.ended();
    table.disconnected();
  }

  function connect(reason: ConnectReason): void {
    drop();
    const mine = generation;
    cancelTimer = clock.after(CONNECT_TIMEOUT_MS, () => {
      fallback.silent();
      lose("network");
    });
    const ready = tokenExpired ? token.renew(usedToken) : token.get();
    ready.then(
      (value) => mine === generation && open(value),
      () => mine === generation && lose("token-expired"),
    );
    move({ step: "connect", reason });
  }

  function open(value: string | undefined): void {
    const mine = generation;
    usedToken = value;
    tokenExpired = false;
    rewound = false;
    const asked = table.topics;
    const parameters = new URLSearchParams(asked.map((topic) => ["topic", topic]));
    // One SSE name for all events: no transport has to know their types.
    parameters.set("events", "message");
    const positions = table.formatPositions();
    if (positions !== undefined) parameters.set("last_event_id", positions);
    const seen = pointOf(lastId);
    if (seen !== undefined) parameters.set("seen", seen);
    const request = { url: `${environment.url}/v1/events?${parameters}`, token: value };
    let retryMs: number | undefined;
    let answered = false;
    let heard = false;
    const callbacks: TransportCallbacks = {
      onMessage(message) {
        if (mine !== generation) return;
        heard = true;
        if (message.lastEventId !== "") lastId = message.lastEventId;
        const { type, fields } = readContent(message) ?? {};
        if (type === undefined || fields === undefined) lose("network");
        else if (type === "connection") opened(fields, asked, message.lastEventId);
        else if (type === "reconnect") serverAsked(fields);
        else table.receive(type, fields as unknown as ClientEvent, message.lastEventId);
      },
      onAlive() {
        seenAt = clock.now();
        answered = true;
      },
      onRetry(ms) {
        retryMs = ms;
      },
      onEnd(end) {
        if (mine !== generation) return;
        // EventSource hides the error. Fetch asks again, and stays if it is accepted.
        if (end.kind === "unexplained") transport = environment.openFetch(request, callbacks);
        else {
          // Accepted and closed before the first event: so a full server signals that it is full,
          // and its `retry:` is hidden by EventSource.
          if (answered && state.name === "connecting") attempt = Math.max(attempt, FULL_ATTEMPT);
          if (!heard && end.kind !== "refused") fallback.silent();
          ended(end, retryMs);
        }
      },
    };
    const { openPoll, openFetch, openEventSource } = environment;
    if (openPoll !== undefined && fallback.polls) {
      transport = openPoll(request, callbacks);
      return;
    }
    // A browser may have EventSource and refuse it.
    transport = tried(() => openEventSource?.(request, callbacks)) ?? openFetch(request, callbacks);
    if (openPoll === undefined) return;
    cancelTimer?.();
    cancelTimer = clock.after(FIRST_EVENT_MS, () => {
      fallback.heldBack();
      connect("retry");
    });
  }

  function opened(content: Fields, asked: readonly Topic[], id: string): void {
    const mine = generation;
    // A poll's connection had ended, and the server made another one: it resumes by the position.
    if (state.name === "connected") {
      changes.end();
      table.disconnected();
      move({ step: "connect", reason: "retry" });
      if (mine !== generation) return;
    }
    cancelTimer?.();
    fallback.opened(() => connect("retry"));
    openedAt = clock.now();
    renewals = 0;
    heartbeatMs = typeof content["heartbeatMs"] === "number" ? content["heartbeatMs"] : 0;
    const connectionId = String(content["connectionId"]);
    move({ step: "opened", connectionId });
    if (mine !== generation) return;
    if (heartbeatMs > 0) listenForHeartbeats();
    table.opened((content["topics"] ?? {}) as Readonly<Record<string, TopicAnswer>>, id);
    if (mine === generation) changes.begin(connectionId, asked);
    settleSoon();
  }

  /** Silence is the only sign of a half-open connection. */
  function listenForHeartbeats(factor = HEARTBEATS_MISSED_MAX): void {
    cancelTimer?.();
    const silenceMs = clock.now() - seenAt;
    cancelTimer = clock.after(Math.max(1, factor * heartbeatMs - silenceMs), () => {
      checkSilence();
      // EventSource hides comment lines: silence may be normal, so checks have jitter.
      if (state.name === "connected")
        listenForHeartbeats(
          transport?.seesHeartbeats ? undefined : HEARTBEATS_MISSED_MAX * (1 + random()),
        );
    });
  }

  function checkSilence(factor = HEARTBEATS_MISSED_MAX): void {
    if (
      state.name !== "connected" ||
      heartbeatMs === 0 ||
      clock.now() - seenAt < factor * heartbeatMs
    )
      return;
    if (transport?.seesHeartbeats) {
      lose("heartbeat-missed");
      return;
    }
    seenAt = clock.now();
    changes.verify();
  }

  /**
   * The server asks us to reconnect in a while; until then, or until it ends the stream, events
   * still come.
   */
  function serverAsked(content: Fields): void {
    if (content["reason"] === "token-expired") {
      renewToken("token-expired");
      return;
    }
    const afterMs = boundRetryMs(Number(content["afterMs"] ?? 0));
    askedAt = clock.now() + afterMs;
    cancelAsked?.();
    cancelAsked = clock.after(afterMs, () => connect("retry"));
  }

  function ended(end: TransportEnd, retryMs: number | undefined): void {
    if (end.kind === "refused") {
      refused(end.error);
      return;
    }
    const asked = askedAt === undefined ? undefined : Math.max(0, askedAt - clock.now());
    // The server drew `retry:` for this connection; for repeated failures our own backoff grows.
    const hint =
      asked ??
      (retryMs !== undefined && (attempt === 0 || end.kind === "ended")
        ? boundRetryMs(retryMs)
        : undefined);
    lose(asked !== undefined || end.kind === "ended" ? "server-asked" : "network", hint);
  }

  function refused({ status, code, detail, retryAfterMs, topic }: ApiError): void {
    if (topic !== undefined && table.has(topic as Topic)) {
      // One topic is not allowed: the others continue without it.
      if (table.topics.length > 1) lose("network", 0);
      else fail("forbidden", detail);
      table.answered(topic as Topic, { error: code });
    } else if (status === 401) renewToken(code, detail);
    // [spec] HTTP 204: the client is told to stop reconnecting.
    else if (status === 204) fail("stopped", "the server answered 204");
    else if (status === 403) fail("forbidden", detail);
    else if (code === "invalid-position") {
      table.forgetPositions();
      lose("network");
    } else if (status === 400) fail("stopped", `${code}: ${detail}`);
    else
      lose(
        "network",
        retryAfterMs === undefined
          ? undefined
          : boundRetryMs(retryAfterMs) + drawRetryMs(attempt, environment.retryMs, random),
      );
  }

  function renewToken(code: string, detail = code): void {
    if (code !== "token-expired" || !token.renewable) {
      fail("token-invalid", detail);
      return;
    }
    tokenExpired = true;
    // A callback that returns expired tokens is not called in a tight loop.
    lose("token-expired", renewals++ === 0 ? 0 : undefined);
  }

  function fail(reason: FailReason, detail: string): void {
    drop();
    move({ step: "refused", reason, detail });
  }

  function lose(reason: WaitReason, waitMs?: number): void {
    if (state.name === "connected" && clock.now() - openedAt >= STABLE_MS) attempt = 0;
    const retryInMs = waitMs ?? drawRetryMs(attempt, environment.retryMs, random);
    drop();
    cancelTimer = clock.after(retryInMs, () =>
      connect(reason === "token-expired" ? "token-refreshed" : "retry"),
    );
    move({ step: "lost", reason, retryInMs, attempt: attempt++ });
  }

  /** Durable events are missing and did not arrive: reconnect from before them. */
  function pull(): void {
    connect("missed-events");
  }

  function offline(retryInMs: number): void {
    if (state.name === "connecting" || state.name === "connected" || state.name === "waiting")
      lose("offline", retryInMs);
  }

  function settle(): void {
    settling = false;
    const empty = table.topics.length === 0;
    if (rewound && transport !== undefined && !empty) connect("topics-changed");
    else if (state.name === "connected" && !empty) changes.settle();
    else if (state.name === "idle" || (state.name === "failed" && state.reason === "forbidden")) {
      if (!empty) connect("first");
    } else if (empty && state.name !== "failed" && state.name !== "closed") {
      drop();
      move({ step: "emptied" });
    }
  }

  function settleSoon(): void {
    if (settling) return;
    settling = true;
    queueMicrotask(settle);
  }

  return {
    add(topic, from) {
      table.add(topic, from);
      if (from !== undefined) rewound = true;
      settleSoon();
    },
    remove(topic) {
      table.remove(topic);
      settleSoon();
    },
    standing: (topic) => table.standing(topic),
    tokenChanged() {
      tokenExpired = false;
      if (state.name !== "idle" && state.name !== "closed") connect("token-refreshed");
    },
    wake() {
      // A page that was hidden may hold a dead stream: a check is cheap.
      if (state.name === "connected") checkSilence(transport?.seesHeartbeats ? undefined : 1);
      else if (
        state.name === "waiting" &&
        state.reason !== "server-asked" &&
        state.reason !== "token-expired"
      )
        connect("retry");
    },
    offline() {
      fallback.forget();
      offline(environment.retryMs.longest);
    },
    // A frozen page has no timers; the long one is for the page that continues without an event.
    sleep: () => offline(RETRY_ASKED_MS_MAX),
    close() {
      drop();
      for (const topic of table.topics) table.remove(topic);
      move({ step: "close" });
    },
  };
}
