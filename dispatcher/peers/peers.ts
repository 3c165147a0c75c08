/** Forwarding to peer data centres: the interest of each one, and the lane to it. */

import { type Clock, type Event, type Policy, Problem, type Topic } from "@ovation/protocol";
import { z } from "zod";
import { CallFailedError, type InternalClient } from "../internal/client.ts";
import { PeerInterest } from "./interest.ts";
import { PeerLane } from "./lane.ts";
import {
  FORWARD_TTL_MS_DEFAULT,
  type Peer,
  type PeerStats,
  type Peers,
  WANTED_CALL_TOPICS_MAX,
  WANTED_PATH,
  WANTED_TIMEOUT_MS,
} from "./peer.ts";

export interface PeersOptions {
  /** This incarnation of this dispatcher: `[a-z0-9]{6,16}`. */
  readonly dispatcherId: string;
  readonly peers: readonly Peer[];
  /** Calls as `formatPeerCaller` of this data centre and dispatcher. */
  readonly client: InternalClient;
  readonly policy: Policy;
  /** A steady one. */
  readonly clock: Clock;
  random?(): number;
  readonly forwardTtlMs?: number;
  /** `wanted`: busy topics without a subscriber in a peer are skipped. Default `all`. */
  readonly forward?: "all" | "wanted";
  /** A peer became reachable or unreachable, for the log. */
  onState?(peer: string, state: "up" | "away", detail: string): void;
}

export function createPeers(options: PeersOptions): Peers {
  const { client, clock, dispatcherId, peers, policy, onState } = options;
  const forwards: Forward[] = [];
  function add(peer: Peer): void {
    const lane = new PeerLane({
      peer,
      client,
      dispatcherId,
      policy,
      clock,
      random: options.random ?? Math.random,
      forwardTtlMs: options.forwardTtlMs ?? FORWARD_TTL_MS_DEFAULT,
      onState: (state, detail) => onState?.(peer.name, state, detail),
    });
    forwards.push({
      lane,
      interest: options.forward === "wanted" ? interestIn(peer, lane, client, clock) : undefined,
    });
  }
  for (const peer of peers) add(peer);
  return {
    add,
    forward(events: readonly Event[]) {
      for (const { lane, interest } of forwards) (interest ?? lane).push(events);
    },
    stats: () => forwards.map(statsOf),
    async close() {
      for (const { interest } of forwards) interest?.close();
      await Promise.all(forwards.map(({ lane }) => lane.close()));
    },
  };
}

interface Forward {
  readonly lane: PeerLane;
  readonly interest: PeerInterest | undefined;
}

function statsOf({ lane, interest }: Forward): PeerStats {
  const stats = lane.stats();
  return interest === undefined
    ? stats
    : { ...stats, skipped: interest.skipped, waiting: stats.waiting + interest.held };
}

/** One digit for each topic: 0 where it has no subscriber. */
const Answer = z.object({ wanted: z.string().max(WANTED_CALL_TOPICS_MAX) });

function interestIn(
  peer: Peer,
  lane: PeerLane,
  client: InternalClient,
  clock: Clock,
): PeerInterest {
  async function ask(topics: readonly Topic[]): Promise<readonly boolean[] | undefined> {
    try {
      const body = JSON.stringify({ topics });
      const answer = Answer.parse(
        await client.call(lane.url, WANTED_PATH, body, {
          timeoutMs: WANTED_TIMEOUT_MS,
          to: peer.name,
        }),
      );
      return answer.wanted.length === topics.length
        ? [...answer.wanted].map((digit) => digit !== "0")
        : undefined;
    } catch (error) {
      const isExpected =
        error instanceof CallFailedError || error instanceof Problem || error instanceof z.ZodError;
      if (!isExpected) throw error;
      return undefined;
    }
  }
  return new PeerInterest({
    clock,
    ask,
    isUp: () => lane.isUp,
    forward: (events, since) => lane.push(events, since),
  });
}
