/**
 * Presence: reports upstream which members have a connection here, at their connect and every
 * PRESENCE_MS. The open connection is the heartbeat, not the client (LinkedIn's rule): a phone does
 * nothing for it. The service that stores presence decides what it means.
 */

import type { Clock, Identity, StaffMember } from "@ovation/protocol";
import { PRESENCE_MS, PRESENT_MEMBERS_MAX } from "../limits.ts";
import type { Upstream } from "../upstream/upstream.ts";

export interface PresenceOptions {
  readonly clock: Clock;
  readonly upstream: Upstream;
  soon(run: () => void): void;
  /** Of all connections; a member may be among them more than once. */
  identities(): Iterable<Identity | undefined>;
  onFailure(what: string, error: unknown): void;
}

export class Presence {
  readonly #options: PresenceOptions;
  #waiting = new Map<string, Identity>();
  #reporting = false;
  #cancel: () => void = () => {};

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancel = this.#options.clock.after(PRESENCE_MS, () => {
      for (const identity of this.#options.identities()) this.came(identity);
      this.start();
    });
  }

  stop(): void {
    this.#cancel();
  }

  /**
   * The member has a connection now. Connects of the same moment are reported together; guests are
   * not reported.
   */
  came(identity: Identity | undefined): void {
    if (identity === undefined || identity.role === "guest") return;
    if (this.#waiting.size >= PRESENT_MEMBERS_MAX) return;
    this.#waiting.set(identity.sub, identity);
    if (this.#reporting) return;
    this.#reporting = true;
    this.#options.soon(() => {
      void this.#report();
    });
  }

  async #report(): Promise<void> {
    while (this.#waiting.size > 0) {
      const members = [...this.#waiting.keys()];
      const staff = [...this.#waiting.values()].filter(isStaff).map(toStaffMember);
      this.#waiting = new Map();
      try {
        await this.#options.upstream.present(members, staff);
      } catch (error) {
        // The next round reports them again.
        this.#options.onFailure("presence", error);
      }
    }
    this.#reporting = false;
  }
}

export function* identitiesOf(
  connections: Iterable<{ readonly identity: Identity | undefined }>,
): Iterable<Identity | undefined> {
  for (const { identity } of connections) yield identity;
}

function isStaff({ role }: Identity): boolean {
  return role === "host" || role === "moderator";
}

/** Nothing else of the token travels. */
function toStaffMember({ sub, name, avatar, role }: Identity): StaffMember {
  return { sub, name, role, ...(avatar === undefined ? {} : { avatar }) };
}
