/**
 * What a dispatcher takes from other data centres: batches of events, for the frontends here and no
 * further; and the questions how many viewers this data centre has, which topics have a subscriber
 * here, and what its name is. The caller brings the calls (`routes.ts`: signed HTTP).
 *
 * A batch is taken once: the store that all dispatchers share keeps its id. A batch that comes
 * again, as a retry or a replay, is reported as taken and not dispatched.
 *
 * A store can lose these ids (emptied, failed over). So a batch names the epoch of the store in
 * which it was sent, and is taken in that epoch alone; every response has the current epoch, and
 * whether the batch was taken (`lane.ts`). While the store is unreachable nothing is taken.
 */

import { type Clock, type Event, Problem, parseTopic, type Topic } from "@ovation/protocol";
import {
  type Claim,
  MemorySharedStore,
  type SharedStore,
  type SubscriptionTable,
  TableUnavailableError,
  type ViewerCounts,
} from "@ovation/table";
import { z } from "zod";
import { decodeEvents, MalformedEventsError } from "../event-codec.ts";
import { AUTH_WINDOW_MS } from "../internal/auth.ts";
import { type InternalRefusals, parseCall, refuse, type VerifiedCall } from "../internal/route.ts";
import * as limits from "./peer.ts";
import { Reorder } from "./reorder.ts";

export interface PeerReceiverOptions {
  readonly refusals: InternalRefusals;
  /** The name of this data centre: batches that it forwarded itself are refused. */
  readonly datacenter: string;
  readonly clock: Clock;
  /**
   * The counts of this data centre alone, not those of `PeerViewers`: two data centres that asked
   * each other for them would keep each other asking.
   */
  readonly counts: ViewerCounts;
  readonly table: Pick<SubscriptionTable, "lookup">;
  /** The ids of taken batches, over all dispatchers; absent where there is only one. */
  readonly shared?: Pick<SharedStore, "claim">;
  /** `Dispatcher.receive`. */
  receive(events: readonly Event[]): Promise<void>;
  onFailure(what: string, error: unknown): void;
}

export interface PeerReceiverStats {
  batches: number;
  events: number;
  duplicates: number;
  /** Batches that were not taken: the epoch of the store in which they were sent is over. */
  outlived: number;
  /** Batches of this data centre itself: two data centres have one name. */
  loops: number;
  /** Events that were not dispatched, because the table was unreachable. */
  failed: number;
}

/** Longer than a signed call is valid. */
const CLAIM_MS = 3 * AUTH_WINDOW_MS;
export const STREAMS_MAX = 1000;

const Head = z.strictObject({
  number: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
  id: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
  /** The epoch of the store here at the first attempt; empty where the sender did not know it. */
  life: z.string().max(limits.FORWARD_LIFE_CHARACTERS_MAX),
});
type Head = z.infer<typeof Head>;
const WantedCall = z.strictObject({
  topics: z.array(z.string().max(200)).max(limits.WANTED_CALL_TOPICS_MAX),
});
const ViewersCall = z.strictObject({
  topics: z.array(z.string().max(200)).max(limits.PEER_VIEWERS_TOPICS_MAX),
});

interface PeerCaller {
  readonly origin: string;
  readonly dispatcher: string;
}

/** Each method takes a verified call; it throws a Problem where the call is not for here. */
export class PeerReceiver {
  readonly stats: PeerReceiverStats = {
    batches: 0,
    events: 0,
    duplicates: 0,
    outlived: 0,
    loops: 0,
    failed: 0,
  };
  readonly #options: PeerReceiverOptions;
  readonly #shared: Pick<SharedStore, "claim">;
  /** One for each dispatcher that forwards to this one, the least recently used first. */
  readonly #streams = new Map<string, Reorder>();

  constructor(options: PeerReceiverOptions) {
    this.#options = options;
    this.#shared = options.shared ?? new MemorySharedStore(options.clock);
  }

  async forward({
    from,
    to,
    body,
  }: VerifiedCall): Promise<{ readonly taken: boolean; readonly life: string }> {
    const { origin, dispatcher } = this.#callerOf(from, to);
    const { events, ...head } = this.#decode(body);
    this.stats.batches++;
    // The epoch is part of the id: in another epoch the batch has another id.
    const { mine, life } = await this.#claim(`${origin} ${head.id} ${head.life}`);
    if (!mine) {
      this.stats.duplicates++;
      return { taken: true, life };
    }
    if (events.length > 0 && life !== head.life) {
      this.stats.outlived++;
      return { taken: false, life };
    }
    this.stats.events += events.length;
    this.#streamOf(`${origin} ${dispatcher}`).accept(head.number, events);
    return { taken: true, life };
  }

  /** One digit for each topic: 1 where it has a subscriber here. */
  async wanted({ from, to, body }: VerifiedCall): Promise<{ readonly wanted: string }> {
    this.#callerOf(from, to);
    const { refusals, table } = this.#options;
    const topics = this.#toTopics(parseCall(refusals, WantedCall, body).topics);
    const found = await table.lookup(topics).catch((error: unknown) => {
      throw toUnavailable(error, "the subscription table cannot be reached");
    });
    return { wanted: found.map((frontends) => (frontends.length === 0 ? "0" : "1")).join("") };
  }

  async viewers({
    from,
    to,
    body,
  }: VerifiedCall): Promise<{ readonly viewers: readonly (number | null)[] }> {
    this.#callerOf(from, to);
    const { counts, refusals } = this.#options;
    const topics = this.#toTopics(parseCall(refusals, ViewersCall, body).topics);
    const totals = await counts.totals(topics).catch((error: unknown) => {
      throw toUnavailable(error, "the viewer counts cannot be reached");
    });
    return { viewers: totals.map((total) => total?.local ?? null) };
  }

  /** For callers that have the URL of this dispatcher alone. */
  async datacenter({ from, to }: VerifiedCall): Promise<{ readonly datacenter: string }> {
    const { datacenter, refusals } = this.#options;
    if (!from.startsWith("datacenter ") || to !== "") throw refuse(refusals, "not-the-caller");
    return { datacenter };
  }

  #callerOf(from: string, to: string): PeerCaller {
    const { datacenter, refusals } = this.#options;
    const [kind, origin = "", dispatcher = "", ...rest] = from.split(" ");
    if (
      kind !== "datacenter" ||
      rest.length > 0 ||
      to !== datacenter ||
      !limits.isDatacenterName(origin) ||
      !/^[a-z0-9]{1,32}$/.test(dispatcher)
    ) {
      throw refuse(refusals, "not-the-caller");
    }
    if (origin === datacenter) {
      this.stats.loops++;
      throw new Problem("invalid-parameter", "this is the same data centre: two have one name");
    }
    return { origin, dispatcher };
  }

  #decode(body: Uint8Array): Head & { readonly events: readonly Event[] } {
    const { refusals } = this.#options;
    const text = new TextDecoder().decode(body);
    const headEnd = text.indexOf("\n");
    const headBytes = new TextEncoder().encode(text.slice(0, Math.max(0, headEnd)));
    const head = parseCall(refusals, Head, headBytes);
    try {
      const events = decodeEvents(text.slice(headEnd + 1), {
        eventsMax: limits.FORWARD_CALL_EVENTS_MAX,
        checkData: true,
      });
      return { ...head, events };
    } catch (error) {
      if (error instanceof MalformedEventsError) throw refuse(refusals, "malformed");
      throw error;
    }
  }

  async #claim(id: string): Promise<Claim> {
    try {
      return await this.#shared.claim(`forwarded ${id}`, CLAIM_MS);
    } catch (error) {
      const problem = toUnavailable(error, "the store of claims cannot be reached", 1000);
      if (problem !== error) this.#options.onFailure("claim of a forwarded batch", error);
      throw problem;
    }
  }

  #streamOf(name: string): Reorder {
    const { clock } = this.#options;
    const deliver = (events: readonly Event[]) => this.#deliver(events);
    const stream = this.#streams.get(name) ?? new Reorder({ clock, deliver });
    // Inserted again as the most recently used.
    this.#streams.delete(name);
    this.#streams.set(name, stream);
    if (this.#streams.size > STREAMS_MAX) this.#evictStream();
    return stream;
  }

  #evictStream(): void {
    for (const [name, stream] of this.#streams) {
      stream.flush();
      this.#streams.delete(name);
      return;
    }
  }

  #deliver(events: readonly Event[]): void {
    if (events.length === 0) return;
    this.#options.receive(events).catch((error: unknown) => {
      this.stats.failed += events.length;
      this.#options.onFailure("forwarded events", error);
    });
  }

  #toTopics(texts: readonly string[]): readonly Topic[] {
    return texts.map((text) => {
      const topic = parseTopic(text);
      if (topic === undefined) throw refuse(this.#options.refusals, "malformed");
      return topic;
    });
  }
}

function toUnavailable(error: unknown, detail: string, retryAfterMs?: number): unknown {
  if (!(error instanceof TableUnavailableError)) return error;
  return new Problem("unavailable", detail, retryAfterMs === undefined ? {} : { retryAfterMs });
}
