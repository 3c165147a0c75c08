/**
 * Presence: which members have a connection here, said upwards at their connect and every half minute.
 * The heartbeat comes from the open connection and not from the client (LinkedIn's rule): a phone
 * does nothing for it. Whoever keeps presence decides what it means.
 */

import type { Clock, Identity } from "@ovation/protocol";
import { PRESENCE_MS, PRESENT_MEMBERS_MAX } from "./limits.ts";
import type { Upstream } from "./upstream.ts";

export interface PresenceOptions {
  readonly clock: Clock;
  readonly upstream: Upstream;
  soon(run: () => void): void;
  members(): ReadonlySet<string>;
  onFailure(what: string, error: unknown): void;
}

export class Presence {
  readonly #options: PresenceOptions;
  #waiting = new Set<string>();
  #saying = false;
  #cancel: () => void = () => {};

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancel = this.#options.clock.after(PRESENCE_MS, () => {
      for (const member of this.#options.members()) this.came(member);
      this.start();
    });
  }

  stop(): void {
    this.#cancel();
  }

  /** The member has a connection now. Those who come together are said together. */
  came(member: string): void {
    if (this.#waiting.size >= PRESENT_MEMBERS_MAX) return;
    this.#waiting.add(member);
    if (this.#saying) return;
    this.#saying = true;
    this.#options.soon(() => {
      void this.#say();
    });
  }

  async #say(): Promise<void> {
    while (this.#waiting.size > 0) {
      const members = [...this.#waiting];
      this.#waiting = new Set();
      try {
        await this.#options.upstream.present(members);
      } catch (error) {
        // The next round says them again.
        this.#options.onFailure("presence", error);
      }
    }
    this.#saying = false;
  }
}

/** Members among those who are connected. Guests are nobody whom others wait for. */
export function membersOf(
  connections: Iterable<{ readonly identity: Identity | undefined }>,
): ReadonlySet<string> {
  const members = new Set<string>();
  for (const { identity } of connections)
    if (identity !== undefined && identity.role !== "guest") members.add(identity.sub);
  return members;
}
