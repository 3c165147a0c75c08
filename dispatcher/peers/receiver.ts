/**
 * What a dispatcher takes from other data centres: batches of events, for the frontends here and no
 * further; and the questions how many viewers this data centre has, which topics somebody has here, and
 * what it is called. How calls get here is the caller's (`routes.ts`: signed HTTP).
 *
 * A batch is taken once: its id is claimed in the store that all dispatchers share. One that comes back, by mistake or by somebody who recorded it, is answered
 * as taken and not dispatched again.
 *
 * A store can forget its claims (emptied, failed over). So a batch names the life of the store in which it was sent,
 * and is taken in that one alone; every answer says which one it is, and whether the batch was taken. Who sent it
 * knows what that means: see `lane.ts`. Nothing is taken while the store cannot be asked.
 */

import { type Clock, type Event, Problem, parseTopic, type Topic } from "@ovation/protocol";
import {
  type Claim,
  createMemorySharedStore,
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
import { createReorder, type Reorder } from "./reorder.ts";

export interface PeerReceiverOptions {
  readonly refusals: InternalRefusals;
  /** This data centre's own name: what it forwarded itself is refused. */
  readonly datacenter: string;
  readonly clock: Clock;
  /**
   * This data centre's own counts, without the peers' (not those of `createPeerViewers`): two that asked each
   * other through them would each keep the other asking.
   */
  readonly counts: ViewerCounts;
  /** Who has a topic here: for peers that ask what is wanted. */
  readonly table: Pick<SubscriptionTable, "lookup">;
  /** Claims of batches over all dispatchers; absent where there is only one. */
  readonly shared?: Pick<SharedStore, "claim">;
  /** `Dispatcher.receive`. */
  receive(events: readonly Event[]): Promise<void>;
  onFailure(what: string, error: unknown): void;
}

export interface PeerReceiverStats {
  batches: number;
  events: number;
  duplicates: number;
  /** Batches that were sent in a life of the store that is over, and were not taken. */
  outlived: number;
  /** Batches that came back to where they were forwarded: two data centres have one name. */
  loops: number;
  /** Events that could not be dispatched here, because the table was away. */
  failed: number;
}

/** Each takes a call that is proven to be of this installation, and throws a Problem where it is not for here. */
export interface PeerReceiver {
  forward(call: VerifiedCall): Promise<{ readonly taken: boolean; readonly life: string }>;
  /** One digit for each topic. */
  wanted(call: VerifiedCall): Promise<{ readonly wanted: string }>;
  viewers(call: VerifiedCall): Promise<{ readonly viewers: readonly (number | null)[] }>;
  /** For those who have this dispatcher's address alone. */
  datacenter(call: VerifiedCall): Promise<{ readonly datacenter: string }>;
  readonly stats: PeerReceiverStats;
}

/** Longer than a signed call is good for. */
const CLAIM_MS = 3 * AUTH_WINDOW_MS;
export const STREAMS_MAX = 1000;

const Head = z.strictObject({
  number: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
  id: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
  /** Of the store here, as the sender knew it when it sent the batch first; empty where it did not. */
  life: z.string().max(limits.FORWARD_LIFE_CHARACTERS_MAX),
});
type Head = z.infer<typeof Head>;
const WantedCall = z.strictObject({
  topics: z.array(z.string().max(200)).max(limits.WANTED_CALL_TOPICS_MAX),
});
const ViewersCall = z.strictObject({
  topics: z.array(z.string().max(200)).max(limits.PEER_VIEWERS_TOPICS_MAX),
});

export function createPeerReceiver(options: PeerReceiverOptions): PeerReceiver {
  const { clock, counts, datacenter, refusals, onFailure } = options;
  const shared = options.shared ?? createMemorySharedStore({ clock });
  const stats: PeerReceiverStats = {
    batches: 0,
    events: 0,
    duplicates: 0,
    outlived: 0,
    loops: 0,
    failed: 0,
  };
  /** One for each dispatcher that forwards to this one, the least recently used first. */
  const streams = new Map<string, Reorder>();
  /** The data centre and dispatcher that calls. */
  function callerOf(
    from: string,
    to: string,
  ): { readonly origin: string; readonly dispatcher: string } {
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
      stats.loops++;
      throw new Problem("invalid-parameter", "this is the same data centre: two have one name");
    }
    return { origin, dispatcher };
  }

  function decode(body: Uint8Array): Head & { readonly events: readonly Event[] } {
    const text = new TextDecoder().decode(body);
    const headEnd = text.indexOf("\n");
    const head = parseCall(
      refusals,
      Head,
      new TextEncoder().encode(text.slice(0, Math.max(0, headEnd))),
    );
    try {
      return {
        ...head,
        events: decodeEvents(text.slice(headEnd + 1), {
          eventsMax: limits.FORWARD_CALL_EVENTS_MAX,
          checkData: true,
        }),
      };
    } catch (error) {
      if (error instanceof MalformedEventsError) throw refuse(refusals, "malformed");
      throw error;
    }
  }

  /** Without the store the peer keeps the batch and comes back with it: it could not be dispatched either. */
  async function claim(id: string): Promise<Claim> {
    try {
      return await shared.claim(`forwarded ${id}`, CLAIM_MS);
    } catch (error) {
      if (!(error instanceof TableUnavailableError)) throw error;
      onFailure("claim of a forwarded batch", error);
      throw new Problem("unavailable", "the store of claims cannot be reached", {
        retryAfterMs: 1000,
      });
    }
  }

  function streamOf(name: string): Reorder {
    const stream = streams.get(name) ?? createReorder({ clock, deliver });
    // Put last: the first of the map is the least recently used.
    streams.delete(name);
    streams.set(name, stream);
    if (streams.size > STREAMS_MAX) {
      for (const [oldest, gone] of streams) {
        gone.flush();
        streams.delete(oldest);
        break;
      }
    }
    return stream;
  }

  function deliver(events: readonly Event[]): void {
    if (events.length === 0) return;
    options.receive(events).catch((error: unknown) => {
      stats.failed += events.length;
      onFailure("forwarded events", error);
    });
  }

  function toTopics(texts: readonly string[]): readonly Topic[] {
    return texts.map((text) => {
      const topic = parseTopic(text);
      if (topic === undefined) throw refuse(refusals, "malformed");
      return topic;
    });
  }

  return {
    stats,

    async forward({ from, to, body }) {
      const { origin, dispatcher } = callerOf(from, to);
      const { events, ...head } = decode(body);
      // The claim is of this life: in another one the batch comes under another id.
      const id = `${origin} ${head.id} ${head.life}`;
      stats.batches++;
      const { mine, life } = await claim(id);
      if (!mine) {
        stats.duplicates++;
        return { taken: true, life };
      }
      if (events.length > 0 && life !== head.life) {
        stats.outlived++;
        return { taken: false, life };
      }
      stats.events += events.length;
      streamOf(`${origin} ${dispatcher}`).accept(head.number, events);
      return { taken: true, life };
    },

    async wanted({ from, to, body }) {
      callerOf(from, to);
      const asked = toTopics(parseCall(refusals, WantedCall, body).topics);
      const found = await options.table.lookup(asked).catch((error: unknown) => {
        if (error instanceof TableUnavailableError)
          throw new Problem("unavailable", "the subscription table cannot be reached");
        throw error;
      });
      return { wanted: found.map((frontends) => (frontends.length === 0 ? "0" : "1")).join("") };
    },

    async viewers({ from, to, body }) {
      callerOf(from, to);
      const asked = toTopics(parseCall(refusals, ViewersCall, body).topics);
      const totals = await counts.totals(asked).catch((error: unknown) => {
        if (error instanceof TableUnavailableError)
          throw new Problem("unavailable", "the viewer counts cannot be reached");
        throw error;
      });
      return { viewers: totals.map((total) => total?.local ?? null) };
    },

    async datacenter({ from, to }) {
      if (!from.startsWith("datacenter ") || to !== "") throw refuse(refusals, "not-the-caller");
      return { datacenter };
    },
  };
}
