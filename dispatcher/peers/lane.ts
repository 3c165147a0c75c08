/**
 * The way to one peer data centre.
 *
 * While it is up, batches leave at most every {@link FORWARD_EVERY_MS} and several are under way at a
 * time: waiting for each answer would cost every event up to a whole way there and back. Batches are
 * numbered, so that the peer can put right what the network turned around.
 *
 * Each names the life of the peer's store in which it was sent first (`receiver.ts`). Where that is over it is not
 * taken, and comes again in the new one: whole, unless an attempt in the old life had no answer. Nobody knows then
 * whether it was taken, and its live events, which come at most once, are left out. (Durable ones that were there
 * are known by their numbers.)
 *
 * When one fails the lane is away: nothing more leaves but the oldest batch that failed, again and again,
 * each time to the next address, until it is taken; then the others that failed follow, in order.
 */

import {
  type Clock,
  countDurable,
  countGaps,
  createMergeRules,
  createPendingCounts,
  type Event,
  GAP_TYPE,
  isDurable,
  PendingEvents,
  type Policy,
  Problem,
} from "@ovation/protocol";
import { z } from "zod";
import { encodeEvents } from "../event-codec.ts";
import { CallFailedError, type InternalClient } from "../internal/client.ts";
import type { Peer, PeerStats } from "./peer.ts";
import * as limits from "./peer.ts";

export interface PeerLaneOptions {
  readonly peer: Peer;
  readonly client: InternalClient;
  readonly dispatcherId: string;
  readonly policy: Policy;
  readonly clock: Clock;
  random(): number;
  readonly forwardTtlMs: number;
  onState(state: "up" | "away", detail: string): void;
}

export interface PeerLane {
  /** `since`: when they were published, where that was not now. */
  push(events: readonly Event[], since?: number): void;
  readonly up: boolean;
  /** An internal address of the peer that answers, as far as is known. */
  readonly address: string;
  stats(): PeerStats;
  close(): Promise<void>;
}

interface Batch {
  readonly number: number;
  events: readonly Event[];
  /** Since when the oldest of them has waited. */
  readonly since: number;
  /** Since the first attempt: the life of the peer's store in which it is sent; empty where that is not known yet. */
  life: string | undefined;
  /** An attempt in this life had no answer: it may have been taken. */
  unsure: boolean;
}

/** What a peer says of its store: see `routes.ts`. */
const Answer = z.object({
  taken: z.boolean(),
  life: z.string().max(limits.FORWARD_LIFE_CHARACTERS_MAX),
});
type Outcome = z.infer<typeof Answer> | { readonly reason: string; readonly nothingSent: boolean };

export const CLOSE_MS_MAX = 1000;

export function createPeerLane(options: PeerLaneOptions): PeerLane {
  const { peer, client, clock, dispatcherId, random, onState } = options;
  const counts = createPendingCounts();
  const pending = new PendingEvents({
    rules: createMergeRules(options.policy),
    bounds: limits.FORWARD_PENDING_BOUNDS,
    counts,
  });
  const underWay = new Set<Batch>();
  /** Ascending by number. */
  let failed: Batch[] = [];
  let up = true;
  let closed = false;
  let url = Math.floor(random() * peer.urls.length);
  let number = 0;
  /** Of the peer's store, as its last answer said. */
  let life = "";
  let lastFlushAt = 0;
  let failures = 0;
  let cancelTimer: (() => void) | undefined;
  let [sent, forgotten, retries] = [0, 0, 0];
  let durableSent = 0;

  function timer(ms: number, run: () => void): void {
    cancelTimer?.();
    cancelTimer = clock.after(ms, () => {
      cancelTimer = undefined;
      run();
    });
  }

  function schedule(): void {
    if (
      !up ||
      cancelTimer !== undefined ||
      pending.size === 0 ||
      underWay.size >= limits.FORWARD_BATCHES_MAX
    )
      return;
    timer(Math.max(0, lastFlushAt + limits.FORWARD_EVERY_MS - clock.now()), flush);
  }

  function flush(): void {
    if (!up) return;
    const now = clock.now();
    lastFlushAt = now;
    pending.expire(now - options.forwardTtlMs, now - limits.FORWARD_DURABLE_MS_MAX, now);
    const since = pending.oldest;
    if (since === undefined) return;
    const events = pending.take(limits.FORWARD_BATCH_EVENTS_MAX, limits.FORWARD_BATCH_BYTES_MAX);
    void post({ number: ++number, events, since, life: undefined, unsure: false });
    schedule();
  }

  async function post(batch: Batch): Promise<void> {
    underWay.add(batch);
    batch.life ??= life;
    const head = JSON.stringify({
      number: batch.number,
      id: `${dispatcherId}.${batch.number}`,
      life: batch.life,
    });
    const address = peer.urls[url % peer.urls.length] ?? "";
    const outcome = await send(address, `${head}\n${encodeEvents(batch.events)}`);
    underWay.delete(batch);
    if ("reason" in outcome) {
      if (!outcome.nothingSent) batch.unsure = true;
      notAnswered(batch, outcome.reason);
      return;
    }
    if (outcome.life !== "") life = outcome.life;
    answered();
    if (outcome.taken) taken(batch);
    else outlived(batch);
  }

  async function send(address: string, body: string): Promise<Outcome> {
    try {
      const answer = await client.call(address, limits.FORWARD_PATH, body, {
        timeoutMs: limits.FORWARD_TIMEOUT_MS,
        to: peer.name,
        contentType: "text/plain",
      });
      return (
        Answer.safeParse(answer).data ?? {
          reason: `${address}: not an answer of this version`,
          nothingSent: false,
        }
      );
    } catch (error) {
      if (error instanceof CallFailedError)
        return { reason: error.message, nothingSent: error.nothingSent };
      if (error instanceof Problem) return { reason: error.message, nothingSent: false };
      throw error;
    }
  }

  function taken(batch: Batch): void {
    sent += batch.events.length - countGaps(batch.events);
    durableSent += countDurable(batch.events);
    schedule();
  }

  /** The life of the store in which it was sent is over: it comes again in the new one, with what cannot have been taken. */
  function outlived(batch: Batch): void {
    retries++;
    if (batch.unsure) {
      const left = batch.events.filter(isDurable);
      forgotten += batch.events.length - left.length;
      batch.events = left;
    }
    batch.life = undefined;
    batch.unsure = false;
    stillGood(batch);
    // Also where nothing is left: its number is waited for.
    if (!closed) void post(batch);
  }

  function answered(): void {
    failures = 0;
    if (!up && !closed) {
      up = true;
      cancelTimer?.();
      cancelTimer = undefined;
      onState("up", peer.urls[url % peer.urls.length] ?? "");
      const again = failed;
      failed = [];
      for (const one of again) if (stillGood(one)) void post(one);
    }
  }

  function notAnswered(batch: Batch, reason: string): void {
    retries++;
    failed = [...failed, batch].sort((left, right) => left.number - right.number);
    if (closed) return;
    if (up) {
      up = false;
      onState("away", reason);
    } else if (cancelTimer !== undefined) {
      // Another batch of before failed as well: the next attempt is set.
      return;
    }
    url++;
    // The first time at once, to the next address; then slower and slower, with full jitter.
    const bound =
      failures < peer.urls.length
        ? 20
        : Math.min(
            limits.FORWARD_RETRY_MS_MAX,
            50 * 2 ** Math.min(failures - peer.urls.length, 10),
          );
    failures++;
    timer(random() * bound, probe);
  }

  function probe(): void {
    const now = clock.now();
    pending.expire(now - options.forwardTtlMs, now - limits.FORWARD_DURABLE_MS_MAX, now);
    failed = failed.filter(stillGood);
    const [oldest, ...others] = failed;
    failed = others;
    // An empty batch asks whether the peer is there.
    void post(
      oldest ?? { number: ++number, events: [], since: now, life: undefined, unsure: false },
    );
  }

  /** Takes out what is too old to be forwarded; answers whether anything is left. */
  function stillGood(batch: Batch): boolean {
    const now = clock.now();
    const age = now - batch.since;
    if (age <= options.forwardTtlMs) return batch.events.length > 0;
    const left: Event[] = [];
    for (const event of batch.events) {
      if (isDurable(event) && age <= limits.FORWARD_DURABLE_MS_MAX) left.push(event);
      // What it announces is announced with the next batch.
      else if (event.type === GAP_TYPE) pending.push(event, now);
      else {
        counts.expired++;
        if (isDurable(event)) counts.durable.expired++;
        // Where every answer was lost the peer may have it: then the number is too high, and not silent.
        else pending.addLoss(event, "away", now);
      }
    }
    batch.events = left;
    return left.length > 0;
  }

  return {
    push(events, since = clock.now()) {
      if (closed) return;
      for (const event of events) pending.push(event, since);
      schedule();
    },
    get up() {
      return up;
    },
    get address() {
      return peer.urls[url % peer.urls.length] ?? "";
    },
    stats: () => ({
      name: peer.name,
      up,
      sent,
      merged: counts.merged,
      droppedFull: counts.droppedFull,
      durable: {
        sent: durableSent,
        droppedFull: counts.durable.droppedFull,
        expired: counts.durable.expired,
      },
      expired: counts.expired,
      spared: 0,
      forgotten,
      retries,
      waiting: pending.events + failed.reduce((sum, batch) => sum + batch.events.length, 0),
      underWay: underWay.size,
    }),
    async close() {
      const end = clock.now() + CLOSE_MS_MAX;
      while (up && (pending.size > 0 || underWay.size > 0) && clock.now() < end) {
        await new Promise<void>((resolve) => clock.after(10, resolve));
      }
      closed = true;
      cancelTimer?.();
    },
  };
}
