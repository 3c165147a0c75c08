/** The publisher API over the network: signed calls to the internal listeners of dispatchers. */

import {
  type Clock,
  type Event,
  isDurable,
  Problem,
  parseTopic,
  type Route,
  type Topic,
} from "@ovation/protocol";
import { z } from "zod";
import { decodeEvents, encodeEvents, MalformedEventsError } from "./event-codec.ts";
import type { InternalAuth } from "./internal/auth.ts";
import {
  CallFailedError,
  createInternalClient,
  type InternalClient,
  type InternalTls,
} from "./internal/client.ts";
import { DispatcherChoice } from "./internal/dispatcher-choice.ts";
import { DispatcherLearner } from "./internal/learner.ts";
import {
  type InternalRefusals,
  type InternalRouteOptions,
  internalRoute,
  parseCall,
  refuse,
} from "./internal/route.ts";
import type { PublisherApi } from "./publisher-api.ts";

const PUBLISH_PATH = "/internal/v1/publish";
const VIEWERS_PATH = "/internal/v1/viewers";
export const EVENTS_PER_CALL_MAX = 10_000;
export const PUBLISH_BYTES_MAX = 8 * 1024 * 1024;
export const TOPICS_PER_CALL_MAX = 1000;
export const VIEWERS_BYTES_MAX = 256 * 1024;
const TIMEOUT_MS = 2000;
/** A process publishes through one dispatcher for half of this to one and a half times. */
const TURN_MS = 1000;
/** After this it chooses another one although it awaits responses. */
const OVERDUE_MS = 5000;

const ViewersCall = z.strictObject({ topics: z.array(z.string()).max(TOPICS_PER_CALL_MAX) });

export interface HttpPublisherApiOptions {
  /** Internal URLs of dispatchers; with `learns`, those that are asked for the others. */
  readonly dispatchers: readonly string[];
  readonly learns?: boolean;
  readonly auth: InternalAuth;
  readonly clock: Clock;
  readonly random: () => number;
  readonly tls?: InternalTls;
  /** A call with this many live events got no response: they are not retried, and may be lost. */
  onUnanswered?(events: number): void;
}

export function createHttpPublisherApi(options: HttpPublisherApiOptions): HttpPublisherApi {
  return new HttpPublisherApi(options);
}

/**
 * Events of one topic keep their order as long as they go through one dispatcher. So a process
 * publishes through one, and chooses it again after a turn, when it awaits no response: all
 * dispatchers get their share, also one that was restarted. Other calls choose theirs each time.
 */
export class HttpPublisherApi implements PublisherApi {
  readonly #choice: DispatcherChoice;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #client: InternalClient;
  readonly #onUnanswered: (events: number) => void;
  readonly #learner: DispatcherLearner | undefined;
  #current = "";
  #turnEndsAt = 0;
  #publishing = 0;

  constructor(options: HttpPublisherApiOptions) {
    const { dispatchers, auth, clock, random, tls } = options;
    this.#clock = clock;
    this.#random = random;
    this.#choice = new DispatcherChoice(dispatchers, clock, random);
    this.#client = createInternalClient({
      auth,
      from: "backend",
      ...(tls === undefined ? {} : { tls }),
    });
    this.#onUnanswered = (events) => options.onUnanswered?.(events);
    if (options.learns !== true) return;
    this.#learner = new DispatcherLearner({
      choice: this.#choice,
      client: this.#client,
      clock,
      random,
    });
    this.#learner.start();
  }

  /** The dispatchers that are called. */
  get dispatchers(): readonly string[] {
    return this.#choice.urls;
  }

  /** Ends the learning of dispatchers. */
  close(): void {
    this.#learner?.close();
  }

  async publish(events: readonly Event[]): Promise<void> {
    this.#publishing++;
    try {
      for (let start = 0; start < events.length; start += EVENTS_PER_CALL_MAX)
        await this.#publish(events.slice(start, start + EVENTS_PER_CALL_MAX));
    } finally {
      this.#publishing--;
    }
  }

  async viewers(topics: readonly Topic[]): Promise<ReadonlyMap<Topic, number>> {
    const counts = new Map<Topic, number>();
    for (let start = 0; start < topics.length; start += TOPICS_PER_CALL_MAX) {
      const slice = topics.slice(start, start + TOPICS_PER_CALL_MAX);
      const body = JSON.stringify({ topics: slice });
      const numbers = (await this.#firstOf(this.#choice.pick(), (dispatcher) =>
        this.#client.call(dispatcher, VIEWERS_PATH, body, { timeoutMs: TIMEOUT_MS }),
      )) as readonly (number | null)[];
      for (const [index, topic] of slice.entries()) {
        const number = numbers[index] ?? null;
        if (number !== null) counts.set(topic, number);
      }
    }
    return counts;
  }

  /**
   * Live events arrive at most once: a call without a response may have dispatched them, so the
   * next dispatcher gets the durable ones alone, which frontends deduplicate by sequence number.
   */
  async #publish(events: readonly Event[]): Promise<void> {
    const text = encodeEvents(events);
    if (events.length > 1 && Buffer.byteLength(text) > PUBLISH_BYTES_MAX) {
      const middle = events.length >> 1;
      await this.#publish(events.slice(0, middle));
      return this.#publish(events.slice(middle));
    }
    let left = events;
    await this.#firstOf(this.#dispatcherOfTurn(), async (dispatcher) => {
      if (left.length === 0) return;
      this.#current = dispatcher;
      try {
        const body = left === events ? text : encodeEvents(left);
        await this.#client.call(dispatcher, PUBLISH_PATH, body, {
          timeoutMs: TIMEOUT_MS,
          contentType: "text/plain",
        });
      } catch (error) {
        if (error instanceof CallFailedError && !error.nothingSent) {
          const durable = left.filter(isDurable);
          this.#onUnanswered(left.length - durable.length);
          left = durable;
        }
        if (left.length > 0) throw error;
      }
    });
  }

  #dispatcherOfTurn(): string {
    const now = this.#clock.now();
    const isDue = now >= this.#turnEndsAt && this.#publishing === 1;
    if (this.#current === "" || isDue || now >= this.#turnEndsAt + OVERDUE_MS) {
      this.#current = this.#choice.pick();
      this.#turnEndsAt = now + TURN_MS * (0.5 + this.#random());
    }
    return this.#current;
  }

  /** The result of the first dispatcher that responds, beginning with `dispatcher`. */
  async #firstOf(
    dispatcher: string,
    call: (dispatcher: string) => Promise<unknown>,
  ): Promise<unknown> {
    const tried = new Set<string>();
    let next = dispatcher;
    while (tried.size < this.#choice.size) {
      const url = next;
      try {
        return await this.#choice.run(url, () => call(url), hasFailed);
      } catch (error) {
        if (!hasFailed(error)) throw error;
        tried.add(url);
        next = this.#choice.pick(tried);
      }
    }
    throw new Problem("unavailable", "no dispatcher answers", { retryAfterMs: 1000 });
  }
}

function hasFailed(error: unknown): boolean {
  return error instanceof CallFailedError;
}

export interface PublisherApiRoutesOptions extends InternalRouteOptions {
  readonly publisherApi: PublisherApi;
}

/** The dispatcher's internal routes for backends. */
export function createPublisherApiRoutes({
  publisherApi,
  ...options
}: PublisherApiRoutesOptions): readonly Route[] {
  const { refusals } = options;
  return [
    internalRoute(options, PUBLISH_PATH, PUBLISH_BYTES_MAX, async ({ from, body }) => {
      if (from !== "backend") throw refuse(refusals, "not-the-caller");
      await publisherApi.publish(decode(refusals, body));
      return new Response(null, { status: 204 });
    }),
    internalRoute(options, VIEWERS_PATH, VIEWERS_BYTES_MAX, async ({ from, body }) => {
      if (from !== "backend") throw refuse(refusals, "not-the-caller");
      const topics = parseCall(refusals, ViewersCall, body).topics.map((text) => {
        const topic = parseTopic(text);
        if (topic === undefined) throw refuse(refusals, "malformed");
        return topic;
      });
      const counts = await publisherApi.viewers(topics);
      return Response.json(topics.map((topic) => counts.get(topic) ?? null));
    }),
  ];
}

function decode(refusals: InternalRefusals, body: Uint8Array): readonly Event[] {
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
