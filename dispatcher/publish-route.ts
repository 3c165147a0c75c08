/**
 * `POST /v1/publish`: events from servers. One event, an array, or NDJSON. Durable events are in
 * the log before any event of the request is dispatched.
 */

import {
  DurableWriter,
  type Log,
  LogFullError,
  LogUnavailableError,
  type WriteEntry,
  type Written,
} from "@ovation/log";
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
  readonly log: Pick<Log, "append">;
  readonly clock: Clock;
  /** Whether the topic is one of a deleted video: it takes no events. */
  isDeleted(topic: Topic): boolean | Promise<boolean>;
  /** Resolves with the number of copies that links dropped: see `Dispatcher.publish`. */
  publish(events: readonly Event[]): Promise<number>;
}

export function createPublishRoute(options: PublishRouteOptions): Route {
  const writer = new DurableWriter(options);
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
      if (!accepted.some(({ durable }) => durable)) {
        const events = accepted.map(({ topic, type, data }) => ({ topic, type, at, data }));
        const dropped = await options.publish(events);
        const limited = dropped === 0 ? "" : `,"dropped":${dropped}`;
        return jsonAnswer(`{"accepted":${accepted.length}${limited}}`, 202);
      }
      const written = await write(writer, accepted, at);
      refuseReusedKeys(accepted, written);
      const seqs = seqsOf(accepted, written);
      return jsonAnswer(JSON.stringify({ accepted: accepted.length, seqs }), 201);
    },
  };
}

/** All or nothing. Hot path: large batches have few topics in a row, or many once each. */
async function refuseDeleted(
  { isDeleted }: PublishRouteOptions,
  accepted: readonly AcceptedEvent[],
): Promise<void> {
  let last: Topic | undefined;
  for (const [index, { topic }] of accepted.entries()) {
    if (topic === last) continue;
    last = topic;
    const deleted = isDeleted(topic);
    if (deleted === true || (deleted !== false && (await deleted)))
      throw new Problem("video-deleted", `event ${index}: the video of ${topic} was deleted`, {
        index,
      });
  }
}

async function write(
  writer: DurableWriter,
  accepted: readonly AcceptedEvent[],
  at: number,
): Promise<Written> {
  try {
    return await writer.write(accepted.map((event) => entryOf(event, at)));
  } catch (error) {
    if (error instanceof LogFullError) throw new Problem("log-full");
    if (error instanceof LogUnavailableError)
      throw new Problem("unavailable", "the log cannot be reached; nothing was stored", {
        retryAfterMs: 1000,
      });
    throw error;
  }
}

function entryOf({ topic, type, data, durable, key }: AcceptedEvent, at: number): WriteEntry {
  if (!durable) return { topic, type, at, data, only: "publish" };
  return { topic, type, at, data, ...(key === undefined ? {} : { key: publisherKey(key) }) };
}

/** Events with unused keys are stored and published; the error names the first other one. */
function refuseReusedKeys(accepted: readonly AcceptedEvent[], written: Written): void {
  for (const [index, event] of accepted.entries()) {
    const one = written[index];
    if (one === undefined || isRetry(one, event)) continue;
    throw new Problem(
      "key-reused",
      `event ${index}: this id was used for another event of ${event.topic}; ` +
        "the events of this request with ids of their own were published",
      { index, seqs: seqsOf(accepted, written) },
    );
  }
}

function seqsOf(accepted: readonly AcceptedEvent[], written: Written): readonly (number | null)[] {
  return accepted.map((event, index) => {
    const one = written[index];
    return one === undefined || !isRetry(one, event) ? null : one.place.seq;
  });
}
