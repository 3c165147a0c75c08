/**
 * The calls of backends (the comments service) on dispatchers, as they travel: publish what was
 * committed, and ask how many watch. Any dispatcher answers any of them.
 */

import {
  type Event,
  isDurable,
  Problem,
  parseTopic,
  type Route,
  type Topic,
} from "@ovation/protocol";
import { z } from "zod";
import { decodeEvents, encodeEvents, MalformedEventsError } from "./event-codec.ts";
import type { InternalAuth } from "./internal/internal-auth.ts";
import {
  CallFailedError,
  createInternalClient,
  type InternalTls,
} from "./internal/internal-client.ts";
import {
  type InternalRouteOptions,
  internalRoute,
  parseCall,
  refuse,
} from "./internal/internal-route.ts";

const PUBLISH_PATH = "/internal/v1/publish";
const VIEWERS_PATH = "/internal/v1/viewers";
export const EVENTS_PER_CALL_MAX = 10_000;
export const PUBLISH_BYTES_MAX = 8 * 1024 * 1024;
export const TOPICS_PER_CALL_MAX = 1000;
export const VIEWERS_BYTES_MAX = 256 * 1024;
const TIMEOUT_MS = 2000;

const ViewersCall = z.strictObject({ topics: z.array(z.string()).max(TOPICS_PER_CALL_MAX) });

/** What a backend needs of the dispatchers. */
export interface Backbone {
  /**
   * Rejects with `unavailable` where no dispatcher takes the events: nothing live was sent then. Live events of a
   * call whose answer was lost may have been sent: they are counted, and nobody is told.
   */
  publish(events: readonly Event[]): Promise<void>;
  /** A topic whose number is not known now is absent. */
  viewers(topics: readonly Topic[]): Promise<ReadonlyMap<Topic, number>>;
}

export interface HttpBackboneOptions {
  /** Internal addresses of dispatchers. */
  readonly dispatchers: readonly string[];
  readonly auth: InternalAuth;
  readonly random: () => number;
  readonly tls?: InternalTls;
  /** So many live events were in a call that was not answered: they are not sent again, and may be lost. */
  onUnanswered?(events: number): void;
}

/** The dispatchers over the network: the one that answered last is asked first, the others when it does not. */
export function createHttpBackbone({
  dispatchers,
  auth,
  random,
  tls,
  onUnanswered,
}: HttpBackboneOptions): Backbone {
  if (dispatchers.length === 0) throw new Error("a backend needs the address of a dispatcher");
  const client = createInternalClient({
    auth,
    from: "backend",
    ...(tls === undefined ? {} : { tls }),
  });
  let current = Math.floor(random() * dispatchers.length);

  /** The answer of the first that gives one. */
  async function ask(call: (dispatcher: string) => Promise<unknown>): Promise<unknown> {
    for (let attempt = 0; attempt < dispatchers.length; attempt++) {
      const index = (current + attempt) % dispatchers.length;
      try {
        const answer = await call(dispatchers[index] ?? "");
        current = index;
        return answer;
      } catch (error) {
        if (!(error instanceof CallFailedError)) throw error;
      }
    }
    throw new Problem("unavailable", "no dispatcher answers", { retryAfterMs: 1000 });
  }

  /**
   * Live events come at most once: of a call without an answer they may have been dispatched, and only what
   * is durable, which frontends know by its number, is sent to the next one.
   */
  async function publish(events: readonly Event[]): Promise<void> {
    const text = encodeEvents(events);
    if (events.length > 1 && Buffer.byteLength(text) > PUBLISH_BYTES_MAX) {
      const middle = events.length >> 1;
      await publish(events.slice(0, middle));
      return publish(events.slice(middle));
    }
    let left = events;
    await ask(async (dispatcher) => {
      if (left.length === 0) return;
      try {
        const body = left === events ? text : encodeEvents(left);
        await client.call(dispatcher, PUBLISH_PATH, body, {
          timeoutMs: TIMEOUT_MS,
          contentType: "text/plain",
        });
      } catch (error) {
        if (error instanceof CallFailedError && !error.nothingSent) {
          const durable = left.filter(isDurable);
          onUnanswered?.(left.length - durable.length);
          left = durable;
        }
        if (left.length > 0) throw error;
      }
    });
  }

  return {
    async publish(events) {
      for (let start = 0; start < events.length; start += EVENTS_PER_CALL_MAX) {
        await publish(events.slice(start, start + EVENTS_PER_CALL_MAX));
      }
    },
    async viewers(topics) {
      const counts = new Map<Topic, number>();
      for (let start = 0; start < topics.length; start += TOPICS_PER_CALL_MAX) {
        const slice = topics.slice(start, start + TOPICS_PER_CALL_MAX);
        const body = JSON.stringify({ topics: slice });
        const numbers = (await ask((dispatcher) =>
          client.call(dispatcher, VIEWERS_PATH, body, { timeoutMs: TIMEOUT_MS }),
        )) as readonly (number | null)[];
        for (const [index, topic] of slice.entries()) {
          const number = numbers[index] ?? null;
          if (number !== null) counts.set(topic, number);
        }
      }
      return counts;
    },
  };
}

export interface BackboneRoutesOptions extends InternalRouteOptions {
  readonly backbone: Backbone;
}

/** The dispatcher's internal routes for backends. */
export function createBackboneRoutes({
  backbone,
  ...options
}: BackboneRoutesOptions): readonly Route[] {
  const { refusals } = options;
  return [
    internalRoute(options, PUBLISH_PATH, PUBLISH_BYTES_MAX, async ({ from, body }) => {
      if (from !== "backend") throw refuse(refusals, "not-the-caller");
      await backbone.publish(decode(body));
      return new Response(null, { status: 204 });
    }),
    internalRoute(options, VIEWERS_PATH, VIEWERS_BYTES_MAX, async ({ from, body }) => {
      if (from !== "backend") throw refuse(refusals, "not-the-caller");
      const topics = parseCall(refusals, ViewersCall, body).topics.map((text) => {
        const topic = parseTopic(text);
        if (topic === undefined) throw refuse(refusals, "malformed");
        return topic;
      });
      const counts = await backbone.viewers(topics);
      return Response.json(topics.map((topic) => counts.get(topic) ?? null));
    }),
  ];

  function decode(body: Uint8Array): readonly Event[] {
    try {
      return decodeEvents(new TextDecoder("utf-8", { fatal: true }).decode(body), {
        eventsMax: EVENTS_PER_CALL_MAX,
        checkData: true,
      });
    } catch (error) {
      if (error instanceof MalformedEventsError || error instanceof TypeError)
        throw refuse(refusals, "malformed");
      throw error;
    }
  }
}
