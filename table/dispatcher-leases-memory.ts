/** The dispatchers of one process, of a test or of the simulation: a map. */

import type { Clock } from "@ovation/protocol";
import {
  type DispatcherAddress,
  type DispatcherLeases,
  type RenewedDispatcherLease,
  sortedById,
} from "./dispatcher-leases.ts";

export class MemoryDispatcherLeases implements DispatcherLeases {
  readonly #clock: Clock;
  readonly #leases = new Map<string, { dispatcher: DispatcherAddress; expiresAt: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async renew(dispatcher: DispatcherAddress, ttlMs: number): Promise<RenewedDispatcherLease> {
    const now = this.#clock.now();
    for (const [id, { expiresAt }] of this.#leases) if (expiresAt <= now) this.#leases.delete(id);
    const isNew = !this.#leases.has(dispatcher.id);
    this.#leases.set(dispatcher.id, { dispatcher, expiresAt: now + ttlMs });
    return {
      isNew,
      dispatchers: sortedById([...this.#leases.values()].map((lease) => lease.dispatcher)),
    };
  }

  async release(id: string): Promise<void> {
    this.#leases.delete(id);
  }
}
