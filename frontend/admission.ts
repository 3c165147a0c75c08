/**
 * Admission: how many connections a process takes, from whom and how fast.
 *
 * A browser's EventSource stops for good at any answer that is not 200, so a refusal is a 200 with a
 * random `retry:` and a clean end: the viewer waits and comes back, perhaps to another frontend.
 */

import type { Clock } from "@ovation/protocol";

export interface AdmissionLimits {
  /** Connections of this process. */
  readonly connectionsMax: number;
  /** Connections from one address. */
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

export type Refusal = "full" | "address" | "rate" | "draining";

export class Admission {
  draining = false;
  readonly #limits: AdmissionLimits;
  readonly #clock: Clock;
  readonly #addresses = new Map<string, number>();
  #connections = 0;
  #tokens: number;
  #filledAt: number;

  constructor(limits: AdmissionLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#tokens = limits.connectsPerSecond * 2;
    this.#filledAt = clock.now();
  }

  /** Takes a place, or says why there is none. */
  enter(address: string): Refusal | undefined {
    if (this.draining) return "draining";
    if (this.#connections >= this.#limits.connectionsMax) return "full";
    const ofAddress = this.#addresses.get(address) ?? 0;
    if (ofAddress >= this.#limits.perAddressMax) return "address";
    if (!this.#takeToken()) return "rate";
    this.#connections++;
    this.#addresses.set(address, ofAddress + 1);
    return undefined;
  }

  leave(address: string): void {
    this.#connections--;
    const ofAddress = (this.#addresses.get(address) ?? 0) - 1;
    if (ofAddress > 0) this.#addresses.set(address, ofAddress);
    else this.#addresses.delete(address);
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
