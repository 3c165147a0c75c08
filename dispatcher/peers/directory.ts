/**
 * Which other data centres there are. Those that `--peer` names are known at once. A URL without a
 * name is asked for its data centre until it answers. Until then nothing is forwarded to it: as for
 * a peer that is away, live events are lost to it, and its frontends pull durable ones from the
 * log. A URL in this data centre is ignored, so all dispatchers may be given the same list.
 */

import { boundBackoffMs, type Clock, Problem } from "@ovation/protocol";
import { z } from "zod";
import { CallFailedError, type InternalClient } from "../internal/client.ts";
import { DATACENTER_PATH, isDatacenterName, type Peer, type PeerUrls } from "./peer.ts";

const TIMEOUT_MS = 2000;
const RETRY_MS_MIN = 100;
/** The longest wait before a URL is asked again. */
export const RETRY_MS_MAX = 5000;
const RETRY_BACKOFF = { firstMs: RETRY_MS_MIN, longestMs: RETRY_MS_MAX };

const Answer = z.object({ datacenter: z.string().refine(isDatacenterName) });

export interface PeerDirectoryOptions {
  /** This data centre. */
  readonly datacenter: string;
  readonly peers: readonly PeerUrls[];
  /** Calls as `datacenter NAME id`. */
  readonly client: InternalClient;
  readonly clock: Clock;
  random?(): number;
  /** Called once for each data centre; URLs that are found later are added to its `urls`. */
  onKnown(peer: Peer): void;
  /** The data centre of a URL was found, or the first attempt failed. For the log. */
  onAnswer?(
    url: string,
    answer: { readonly datacenter: string } | { readonly error: string },
  ): void;
}

export class PeerDirectory {
  readonly #options: PeerDirectoryOptions;
  /** Data centre → URLs. */
  readonly #known = new Map<string, string[]>();
  /** URL → cancels its next attempt. */
  readonly #cancels = new Map<string, () => void>();
  #isClosed = false;

  constructor(options: PeerDirectoryOptions) {
    this.#options = options;
    for (const { name, urls } of options.peers) if (name !== undefined) this.#add(name, urls);
    for (const { name, urls } of options.peers)
      if (name === undefined) for (const url of urls) void this.#ask(url, 0);
  }

  close(): void {
    this.#isClosed = true;
    for (const cancel of this.#cancels.values()) cancel();
  }

  #add(name: string, urls: readonly string[]): void {
    const before = this.#known.get(name);
    const all = before ?? [];
    for (const url of urls) if (!all.includes(url)) all.push(url);
    if (before !== undefined) return;
    this.#known.set(name, all);
    this.#options.onKnown({ name, urls: all });
  }

  async #ask(url: string, attempt: number): Promise<void> {
    const { client, datacenter, onAnswer } = this.#options;
    this.#cancels.delete(url);
    try {
      const answer = Answer.parse(
        await client.call(url, DATACENTER_PATH, "{}", { timeoutMs: TIMEOUT_MS }),
      );
      if (this.#isClosed) return;
      onAnswer?.(url, answer);
      if (answer.datacenter !== datacenter) this.#add(answer.datacenter, [url]);
    } catch (error) {
      if (!isExpected(error)) throw error;
      if (this.#isClosed) return;
      if (attempt === 0) onAnswer?.(url, { error: error.message });
      this.#askAgain(url, attempt);
    }
  }

  #askAgain(url: string, attempt: number): void {
    const { clock, random = Math.random } = this.#options;
    const ms = boundBackoffMs(RETRY_BACKOFF, attempt) * (0.5 + random() / 2);
    const cancel = clock.after(ms, () => void this.#ask(url, attempt + 1));
    this.#cancels.set(url, cancel);
  }
}

function isExpected(error: unknown): error is Error {
  return (
    error instanceof CallFailedError || error instanceof Problem || error instanceof z.ZodError
  );
}
