/** `GET /v1/events`: opens a connection. */

import {
  type Authenticate,
  type ConnectionId,
  formatReconnect,
  type HttpRequest,
  type Identity,
  isOwnTopic,
  jsonAnswer,
  kindOf,
  type Policy,
  Problem,
  parseConnectionId,
  parseTopic,
  type Route,
  type RouteAnswer,
  StreamAnswer,
  TOPICS_PER_CONNECTION_MAX,
  type Topic,
  topicOf,
  upgradedProblem,
} from "@ovation/protocol";
import type { Authorize } from "./authorize.ts";
import { encodeText } from "./broadcast/encoding.ts";
import type { Refusal } from "./connections/admission.ts";
import type { ConnectRequest } from "./connections/connections.ts";
import {
  readForm,
  readPosition,
  readPositionText,
  readSeen,
} from "./connections/stream-request.ts";
import { ViewerStream } from "./connections/viewer-stream.ts";
import { UNNAMED, type WireForm, wireForm, ZSTD } from "./connections/wire-form.ts";
import type { Frontend } from "./frontend.ts";
import { type Polls, wantsPoll } from "./polls.ts";

type RefusedReason = Refusal | "error";

export interface EventsRouteOptions {
  readonly frontend: Frontend;
  readonly authenticate: Authenticate;
  readonly authorize: Authorize;
  readonly policy: Policy;
  readonly random: () => number;
  readonly zstd: boolean;
  readonly polls: Polls;
}

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  vary: "accept-encoding",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
  // A rejected client must not return over the same socket, to the same process. (HTTP/2 and 3 have
  // no such header; the listener leaves it out there.)
  connection: "close",
} as const;

const POLLED = wireForm({ unnamed: true });

/** A refused client returns after a random time between these. */
export const REFUSED_RETRY_MIN_MS = 2000;
export const REFUSED_RETRY_MAX_MS = 12_000;

export function createEventsRoute(options: EventsRouteOptions): Route {
  return {
    method: "GET",
    path: "/v1/events",
    async handle(request, context) {
      const url = new URL(request.url);
      const named = parseTopics(url.searchParams.getAll("topic"));
      const identity = await options.authenticate(request);
      options.frontend.requireUnexpired(identity);
      const topics = withOwnTopic(named, identity, options.policy);
      if (topics.length === 0)
        throw new Problem(
          "invalid-parameter",
          "name at least one topic: /v1/events?topic=video:42",
        );
      for (const topic of topics) {
        if (!(await options.authorize(identity, topic))) {
          throw new Problem(
            identity === undefined ? "token-missing" : "forbidden",
            `${topic} is not open to you`,
            { topic },
          );
        }
      }
      const isUpgraded = await isUpgradedGuest(options.frontend, identity);
      if (isUpgraded === true) throw upgradedProblem();
      const position = readPosition(request, url);
      const seen = readSeen(url);
      const form = readForm(request, url, options.zstd);
      const wantsAnswer = wantsPoll(request.headers);
      const replaced = parseConnectionId(url.searchParams.get("connection") ?? "");
      // No dispatcher can say whether the token is valid. An EventSource returns after a 200 only.
      if (isUpgraded === undefined)
        return wantsAnswer ? refusePoll(options, "error") : refuse(options, "error", form);
      if (wantsAnswer) {
        const connect = {
          topics,
          identity,
          position,
          seen,
          form: POLLED,
          address: context.address,
        };
        const { text } = readPositionText(request, url);
        return poll(options, connect, replaced, text, request.signal);
      }
      const connect = { topics, identity, position, seen, form, address: context.address };
      if (replaced !== undefined) options.polls.replace(replaced, connect);
      return stream(options, connect);
    },
  };
}

function stream(options: EventsRouteOptions, connect: ConnectRequest): RouteAnswer {
  const { frontend } = options;
  const connection = frontend.admit(connect);
  if (typeof connection === "string") return refuse(options, connection, connect.form);
  const isZstd = (connect.form & ZSTD) !== 0;
  const headers = isZstd ? { ...HEADERS, "content-encoding": "zstd" } : HEADERS;
  return new StreamAnswer(headers, new ViewerStream(frontend, connection, connect));
}

async function poll(
  options: EventsRouteOptions,
  connect: ConnectRequest,
  id: ConnectionId | undefined,
  positionText: string,
  signal: HttpRequest["signal"],
): Promise<RouteAnswer> {
  const { polls } = options;
  const known = id === undefined ? undefined : polls.find(id, connect.identity);
  const session = known ?? polls.open(connect, id !== undefined);
  if (typeof session === "string") return refusePoll(options, session);
  if (known === undefined && id !== undefined) polls.leaveElsewhere(id, connect);
  const answer = await polls.answer(session, positionText);
  // The client does not know this session: it cannot come back to it, and would count twice.
  if (known === undefined && signal.aborted) session.leave();
  return jsonAnswer(answer);
}

/** `undefined` where no dispatcher answers. */
async function isUpgradedGuest(
  { guests }: Frontend,
  identity: Identity | undefined,
): Promise<boolean | undefined> {
  try {
    return await guests.isUpgraded(identity);
  } catch {
    return undefined;
  }
}

function refusePoll(options: EventsRouteOptions, reason: RefusedReason): RouteAnswer {
  const afterMs = Math.round(drawRefusal(options, reason));
  return jsonAnswer(JSON.stringify({ events: [{ type: "reconnect", afterMs, reason }] }));
}

/** 200, a random wait, a clean end: the only refusal after which a browser returns. */
function refuse(options: EventsRouteOptions, reason: RefusedReason, form: WireForm): Response {
  const afterMs = drawRefusal(options, reason);
  // An EventSource obeys `retry:`, which no script can read; the SDK obeys the event.
  const body = encodeText(formatReconnect(afterMs, reason), (form & UNNAMED) as WireForm);
  return new Response(body as Uint8Array<ArrayBuffer>, { headers: HEADERS });
}

/** Counts the refusal and returns after how many ms the client may return. */
function drawRefusal({ frontend, random }: EventsRouteOptions, reason: RefusedReason): number {
  const { refusals } = frontend.counters;
  refusals[reason] = (refusals[reason] ?? 0) + 1;
  return REFUSED_RETRY_MIN_MS + random() * (REFUSED_RETRY_MAX_MS - REFUSED_RETRY_MIN_MS);
}

export function parseTopics(texts: readonly string[]): readonly Topic[] {
  const topics = new Set<Topic>();
  if (texts.length > TOPICS_PER_CONNECTION_MAX) {
    throw new Problem(
      "too-many-topics",
      `a connection may have ${TOPICS_PER_CONNECTION_MAX} topics`,
    );
  }
  for (const text of texts) {
    const topic = parseTopic(text);
    if (topic === undefined)
      throw new Problem(
        "invalid-topic",
        `${JSON.stringify(text.slice(0, 80))} is not a topic; one is kind:id, for example video:42`,
      );
    topics.add(topic);
  }
  return [...topics];
}

/** Members get their own topic without naming it; guests name it. */
function withOwnTopic(
  topics: readonly Topic[],
  identity: Identity | undefined,
  policy: Policy,
): readonly Topic[] {
  if (identity === undefined || identity.role === "guest" || policy["member"] === undefined)
    return topics;
  if (topics.some((topic) => kindOf(topic) === "member" && isOwnTopic(identity, topic)))
    return topics;
  return [...topics, topicOf("member", identity.sub)];
}
