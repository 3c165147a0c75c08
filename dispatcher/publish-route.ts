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
  type HttpRequest,
  jsonAnswer,
  type Policy,
  Problem,
  PUBLISH_EVENTS_MAX,
  PUBLISHER_BODY_BYTES_MAX,
  parseJson,
  type Route,
  readBytes,
} from "@ovation/protocol";
import { type AcceptedEvent, acceptEvents } from "./accepted-event.ts";

export interface PublishRouteOptions {
  readonly authenticate: Authenticate;
  readonly policy: Policy;
  readonly log: Log;
  readonly clock: Clock;
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
      const accepted = acceptEvents(await readEvents(request), identity, options.policy);
      const at = options.clock.now();
      const appended = await append(options.log, accepted, at);
      await publish(options, accepted, appended, at);
      if (appended.size === 0) return jsonAnswer(`{"accepted":${accepted.length}}`, 202);
      const seqs = accepted.map((_, index) => appended.get(index)?.place.seq ?? null);
      return jsonAnswer(JSON.stringify({ accepted: accepted.length, seqs }), 201);
    },
  };
}

async function readEvents(request: HttpRequest): Promise<readonly unknown[]> {
  const type = (request.headers.get("content-type") ?? "application/json")
    .split(";", 1)[0]
    ?.trim()
    .toLowerCase();
  const bytes = await readBytes(request, PUBLISHER_BODY_BYTES_MAX);
  let values: readonly unknown[];
  if (
    type === "application/x-ndjson" ||
    type === "application/ndjson" ||
    type === "application/jsonl"
  )
    values = parseLines(bytes);
  else if (type === "application/json" || type === "text/json") {
    const value = parseJson(bytes);
    values = Array.isArray(value) ? value : [value];
  } else throw new Problem("unsupported-media-type");
  if (values.length === 0) throw new Problem("invalid-body", "there is no event in the body");
  if (values.length > PUBLISH_EVENTS_MAX)
    throw new Problem("invalid-body", `at most ${PUBLISH_EVENTS_MAX} events in one request`);
  return values;
}

function parseLines(bytes: Uint8Array): readonly unknown[] {
  const values: unknown[] = [];
  let start = 0;
  for (let line = 1; start < bytes.length; line++) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline;
    const text = bytes.subarray(start, end);
    start = end + 1;
    if (text.every((byte) => byte === 32 || byte === 13 || byte === 9)) continue;
    try {
      values.push(parseJson(text));
    } catch {
      throw new Problem("invalid-json", `line ${line} is not valid JSON`, { line });
    }
  }
  return values;
}

/** The durable ones, in one transaction; by their index in the request. */
async function append(
  log: Log,
  accepted: readonly AcceptedEvent[],
  at: number,
): Promise<ReadonlyMap<number, Appended>> {
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
      ...(key === undefined ? {} : { key: `publish ${key}` }),
    });
  }
  if (entries.length === 0) return new Map();
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

async function publish(
  options: PublishRouteOptions,
  accepted: readonly AcceptedEvent[],
  appended: ReadonlyMap<number, Appended>,
  at: number,
): Promise<void> {
  const events: Event[] = [];
  let durable = 0;
  for (const [index, { topic, type, data }] of accepted.entries()) {
    const one = appended.get(index);
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
