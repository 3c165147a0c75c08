/**
 * `POST /v1/publish`: events from servers. One event, an array, or NDJSON. Durable ones are in the log
 * before anything is dispatched.
 */

import type { Appended, Log, LogEntry } from "@ovation/log";
import { LogFullError, LogUnavailableError } from "@ovation/log";
import {
  type Authenticate,
  type Clock,
  type Event,
  jsonAnswer,
  type Policy,
  Problem,
  PUBLISHER_BODY_BYTES_MAX,
  type Route,
  readBytes,
  type Topic,
} from "@ovation/protocol";
import { type AcceptedEvent, acceptEvents } from "./accepted-event.ts";
import { parsePublishedBody } from "./published-body.ts";
import { isRetry, publisherKey } from "./publisher-key.ts";

export interface PublishRouteOptions {
  readonly authenticate: Authenticate;
  readonly policy: Policy;
  readonly log: Log;
  readonly clock: Clock;
  /** Whether the topic is one of a deleted video: nothing is published to it. */
  isDeleted(topic: Topic): boolean | Promise<boolean>;
  publish(events: readonly Event[]): Promise<void>;
}

export function createPublishRoute(options: PublishRouteOptions): Route {
  return {
    method: "POST",
    path: "/v1/publish",
    async handle(request) {
      const identity = await options.authenticate(request);
      if (identity === undefined)
        throw new Problem(
          "token-missing",
          "publishing needs a token whose `publish` patterns cover the topic",
        );
      const values = parsePublishedBody(
        await readBytes(request, PUBLISHER_BODY_BYTES_MAX),
        request.headers.get("content-type"),
      );
      const accepted = acceptEvents(values, identity, options.policy);
      await refuseDeleted(options, accepted);
      const at = options.clock.now();
      const appended = await append(options.log, accepted, at);
      await publish(options, accepted, appended, at);
      refuseReusedKeys(accepted, appended);
      if (appended.size === 0) return jsonAnswer(`{"accepted":${accepted.length}}`, 202);
      const seqs = seqsOf(accepted, appended);
      return jsonAnswer(JSON.stringify({ accepted: accepted.length, seqs }), 201);
    },
  };
}

const NONE_APPENDED: ReadonlyMap<number, Appended> = new Map();

/** All or nothing; each topic is asked about once. */
async function refuseDeleted(
  { isDeleted }: PublishRouteOptions,
  accepted: readonly AcceptedEvent[],
): Promise<void> {
  const asked = new Set<Topic>();
  for (const [index, { topic }] of accepted.entries()) {
    if (asked.has(topic)) continue;
    asked.add(topic);
    const deleted = isDeleted(topic);
    if (deleted === true || (deleted !== false && (await deleted)))
      throw new Problem("video-deleted", `event ${index}: the video of ${topic} was deleted`, {
        index,
      });
  }
}

/** The durable ones, in one transaction; by their index in the request. */
async function append(
  log: Log,
  accepted: readonly AcceptedEvent[],
  at: number,
): Promise<ReadonlyMap<number, Appended>> {
  if (!accepted.some(({ durable }) => durable)) return NONE_APPENDED;
  const indexes: number[] = [];
  const entries: LogEntry[] = [];
  for (const [index, event] of accepted.entries()) {
    if (!event.durable) continue;
    indexes.push(index);
    const { topic, type, data, key } = event;
    entries.push({
      topic,
      type,
      at,
      data,
      ...(key === undefined ? {} : { key: publisherKey(key) }),
    });
  }
  try {
    const appended = await log.append(entries);
    return new Map(
      appended.flatMap((one, place) => {
        const index = indexes[place];
        return index === undefined ? [] : [[index, one] as const];
      }),
    );
  } catch (error) {
    if (error instanceof LogFullError) throw new Problem("log-full");
    if (error instanceof LogUnavailableError)
      throw new Problem("unavailable", "the log cannot be reached; nothing was stored", {
        retryAfterMs: 1000,
      });
    throw error;
  }
}

/** What has a key of its own was stored and published; the publisher is told which one has not. */
function refuseReusedKeys(
  accepted: readonly AcceptedEvent[],
  appended: ReadonlyMap<number, Appended>,
): void {
  for (const [index, one] of appended) {
    const event = accepted[index];
    if (event === undefined || isRetry(one, event)) continue;
    throw new Problem(
      "key-reused",
      `event ${index}: this id was used for another event of ${event.topic}; the events of this request with ids of their own were published`,
      { index, seqs: seqsOf(accepted, appended) },
    );
  }
}

function seqsOf(
  accepted: readonly AcceptedEvent[],
  appended: ReadonlyMap<number, Appended>,
): readonly (number | null)[] {
  return accepted.map((event, index) => {
    const one = appended.get(index);
    return one === undefined || !isRetry(one, event) ? null : one.place.seq;
  });
}

async function publish(
  options: PublishRouteOptions,
  accepted: readonly AcceptedEvent[],
  appended: ReadonlyMap<number, Appended>,
  at: number,
): Promise<void> {
  const events: Event[] = [];
  let durable = 0;
  // Hot path, batches of live events: no iterator and no pair for each of them.
  for (let index = 0; index < accepted.length; index++) {
    const { topic, type, data } = accepted[index] as AcceptedEvent;
    const one = appended.size === 0 ? undefined : appended.get(index);
    if (one === undefined) events.push({ topic, type, at, data });
    else if (one.duplicate) continue;
    else events.push({ topic, type, at: one.at, data, place: one.place });
    if (one !== undefined) durable++;
  }
  try {
    await options.publish(events);
  } catch (error) {
    // What is in the log will arrive, by the repair lane: only live events need somebody to be told.
    if (durable === events.length && error instanceof Problem) return;
    throw error;
  }
}
