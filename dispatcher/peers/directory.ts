/**
 * Which other data centres there are. Those that `--peer` names are known at once. An address without a name is
 * asked which data centre it is in, again and again until it answers; until then nothing is forwarded to it:
 * live events are lost to it, as to one that is away for longer than they may wait, and durable ones its frontends
 * pull from the log. An address in this data centre is none of a peer's: so all dispatchers may be given the same list.
 */

import { type Clock, Problem } from "@ovation/protocol";
import { z } from "zod";
import { CallFailedError, type InternalClient } from "../internal/client.ts";
import { DATACENTER_PATH, isDatacenterName, type Peer, type PeerUrls } from "./peer.ts";

const TIMEOUT_MS = 2000;
const RETRY_MS_MIN = 100;
/** The longest wait before an address is asked again. */
export const RETRY_MS_MAX = 5000;

const Answer = z.object({ datacenter: z.string().refine(isDatacenterName) });

export interface PeerDirectoryOptions {
  /** This data centre. */
  readonly datacenter: string;
  readonly peers: readonly PeerUrls[];
  /** Calls as `datacenter NAME id`. */
  readonly client: InternalClient;
  readonly clock: Clock;
  random?(): number;
  /** Called once for each data centre; the addresses of one that is known already are added to it. */
  onKnown(peer: Peer): void;
  /** An address was found to be in a data centre, or, for the first time, does not say in which. For the log. */
  onAnswer?(
    url: string,
    answer: { readonly datacenter: string } | { readonly error: string },
  ): void;
}

export interface PeerDirectory {
  close(): void;
}

export function createPeerDirectory(options: PeerDirectoryOptions): PeerDirectory {
  const { client, clock, datacenter, onKnown, onAnswer } = options;
  const random = options.random ?? Math.random;
  const known = new Map<string, string[]>();
  const cancels = new Map<string, () => void>();
  let closed = false;

  function learn(name: string, urls: readonly string[]): void {
    const before = known.get(name);
    const all = before ?? [];
    for (const url of urls) if (!all.includes(url)) all.push(url);
    if (before !== undefined) return;
    known.set(name, all);
    onKnown({ name, urls: all });
  }

  async function ask(url: string, attempt: number): Promise<void> {
    cancels.delete(url);
    try {
      const answer = Answer.parse(
        await client.call(url, DATACENTER_PATH, "{}", { timeoutMs: TIMEOUT_MS }),
      );
      if (closed) return;
      onAnswer?.(url, answer);
      if (answer.datacenter !== datacenter) learn(answer.datacenter, [url]);
    } catch (error) {
      if (
        !(
          error instanceof CallFailedError ||
          error instanceof Problem ||
          error instanceof z.ZodError
        )
      )
        throw error;
      if (closed) return;
      if (attempt === 0) onAnswer?.(url, { error: error.message });
      const ms =
        Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(attempt, 10)) * (0.5 + random() / 2);
      cancels.set(
        url,
        clock.after(ms, () => void ask(url, attempt + 1)),
      );
    }
  }

  for (const { name, urls } of options.peers) if (name !== undefined) learn(name, urls);
  for (const { name, urls } of options.peers)
    if (name === undefined) for (const url of urls) void ask(url, 0);
  return {
    close() {
      closed = true;
      for (const cancel of cancels.values()) cancel();
    },
  };
}
