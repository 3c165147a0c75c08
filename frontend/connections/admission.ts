/**
 * Admission: how many connections a process takes, from whom and how fast.
 *
 * An EventSource stops for good after any status but 200, so a refusal is a 200 with a random
 * `retry:` and a clean end: the client returns later, perhaps to another frontend.
 *
 * A full process evicts a connection of the heaviest address, for an address that holds less.
 */

import {
  type AddressPools,
  type AddressShares,
  type Clock,
  createMemoryPools,
} from "@ovation/protocol";

export interface AdmissionLimits {
  /** Connections of this process. */
  readonly connectionsMax: number;
  /** Connections from one address, over all workers of the machine. */
  readonly perAddressMax: number;
  /** New connections a second, after a burst of twice as many. */
  readonly connectsPerSecond: number;
}

/** Connections where the process does not know how many files it may open. */
export const DEFAULT_ADMISSION: AdmissionLimits = {
  connectionsMax: 18_000,
  perAddressMax: 2000,
  connectsPerSecond: 5000,
};

/** With `--rate-limits off`: what the process can carry. */
export const OPEN_ADMISSION: AdmissionLimits = {
  connectionsMax: 1_000_000,
  perAddressMax: Number.POSITIVE_INFINITY,
  connectsPerSecond: Number.POSITIVE_INFINITY,
};

export interface AdmissionOptions {
  /** Where connections per address are counted. Default: in this process alone. */
  readonly pools?: AddressPools;
  /** Ends a connection of that address, which then leaves. False where it could not. */
  evict?(address: string): boolean;
}

export type Refusal = "full" | "address" | "rate" | "draining";

export class Admission {
  draining = false;
  readonly #limits: AdmissionLimits;
  readonly #clock: Clock;
  readonly #shares: AddressShares;
  readonly #evict: (address: string) => boolean;
  #connections = 0;
  #tokens: number;
  #filledAt: number;

  constructor(limits: AdmissionLimits, clock: Clock, options: AdmissionOptions = {}) {
    this.#limits = limits;
    this.#clock = clock;
    const { pools = createMemoryPools(clock), evict = () => false } = options;
    this.#shares = pools.shares("connections", limits.perAddressMax);
    this.#evict = evict;
    this.#tokens = limits.connectsPerSecond * 2;
    this.#filledAt = clock.now();
  }

  /** Takes a slot, or returns the reason for the refusal. */
  enter(address: string): Refusal | undefined {
    if (this.draining) return "draining";
    const held = this.#shares.held(address);
    if (this.#connections >= this.#limits.connectionsMax && !this.#canEvict(held)) return "full";
    if (held >= this.#limits.perAddressMax) return "address";
    if (!this.#takeToken()) return "rate";
    if (this.#connections >= this.#limits.connectionsMax && !this.#evictHeaviest()) return "full";
    this.#connections++;
    this.#shares.add(address);
    return undefined;
  }

  leave(address: string): void {
    this.#connections--;
    this.#shares.remove(address);
  }

  /**
   * Not for an address that would then hold as much: two addresses would evict each other in turns.
   */
  #canEvict(held: number): boolean {
    const heaviest = this.#shares.heaviest();
    return heaviest !== undefined && heaviest.held > held + 1;
  }

  #evictHeaviest(): boolean {
    const heaviest = this.#shares.heaviest();
    return heaviest !== undefined && this.#evict(heaviest.address);
  }

  #takeToken(): boolean {
    const { connectsPerSecond } = this.#limits;
    if (connectsPerSecond === Number.POSITIVE_INFINITY) return true;
    const now = this.#clock.now();
    this.#tokens = Math.min(
      connectsPerSecond * 2,
      this.#tokens + ((now - this.#filledAt) / 1000) * connectsPerSecond,
    );
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
