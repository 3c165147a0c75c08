/** One batch to a peer data centre, over all its attempts, and one attempt as a call. */

import { type Event, Problem } from "@ovation/protocol";
import { z } from "zod";
import { encodeEvents } from "../event-codec.ts";
import { CallFailedError, type InternalClient } from "../internal/client.ts";
import * as limits from "./peer.ts";

export class ForwardBatch {
  readonly number: number;
  events: readonly Event[];
  /** When its oldest event was published. */
  readonly since: number;
  /** The epoch of the peer's store, from the first attempt on; empty where it is unknown. */
  storeEpoch: string | undefined;
  /** An attempt in this epoch got no response: the peer may have taken the batch. */
  isUncertain = false;

  constructor(number: number, events: readonly Event[], since: number) {
    this.number = number;
    this.events = events;
    this.since = since;
  }

  format(dispatcherId: string): string {
    const { number, storeEpoch: life } = this;
    const head = JSON.stringify({ number, id: `${dispatcherId}.${number}`, life });
    return `${head}\n${encodeEvents(this.events)}`;
  }
}

/** What a peer responds: see `receiver.ts`. `life` is the epoch of its store. */
const Answer = z.object({
  taken: z.boolean(),
  life: z.string().max(limits.FORWARD_LIFE_CHARACTERS_MAX),
});

export type ForwardOutcome =
  | z.infer<typeof Answer>
  | { readonly reason: string; readonly nothingSent: boolean };

export async function postForward(
  client: InternalClient,
  to: { readonly peer: string; readonly url: string },
  body: string,
): Promise<ForwardOutcome> {
  try {
    const answer = await client.call(to.url, limits.FORWARD_PATH, body, {
      timeoutMs: limits.FORWARD_TIMEOUT_MS,
      to: to.peer,
      contentType: "text/plain",
    });
    const reason = `${to.url}: not an answer of this version`;
    return Answer.safeParse(answer).data ?? { reason, nothingSent: false };
  } catch (error) {
    if (error instanceof CallFailedError)
      return { reason: error.message, nothingSent: error.nothingSent };
    if (error instanceof Problem) return { reason: error.message, nothingSent: false };
    throw error;
  }
}
