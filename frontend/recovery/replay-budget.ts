/**
 * The budget of replays: how much one request, and all requests of one address, may have replayed.
 * Past it the answer is `recovered: false` with the head, and the client reads the snapshot.
 */

import { type AddressPools, type AddressRates, addressGroupOf } from "@ovation/protocol";
import {
  REPLAY_BYTES_PER_ADDRESS_MAX,
  REPLAY_BYTES_PER_REQUEST_MAX,
  REPLAY_EVENTS_PER_REQUEST_MAX,
  REPLAY_RESERVED_SHARE,
  REPLAY_SHARED_WEIGHT,
  REPLAY_SMALL_EVENTS_MAX,
  REPLAY_WINDOW_MS,
} from "../limits.ts";

export interface ReplayLimits {
  readonly eventsPerRequest: number;
  readonly bytesPerRequest: number;
  /** In REPLAY_WINDOW_MS. */
  readonly bytesPerAddress: number;
}

export const DEFAULT_REPLAY: ReplayLimits = {
  eventsPerRequest: REPLAY_EVENTS_PER_REQUEST_MAX,
  bytesPerRequest: REPLAY_BYTES_PER_REQUEST_MAX,
  bytesPerAddress: REPLAY_BYTES_PER_ADDRESS_MAX,
};

/** With `--rate-limits off`. */
export const OPEN_REPLAY: ReplayLimits = {
  ...DEFAULT_REPLAY,
  bytesPerAddress: Number.POSITIVE_INFINITY,
};

export class ReplayBudget {
  readonly limits: ReplayLimits;
  readonly #rates: AddressRates;

  constructor(limits: ReplayLimits, pools: AddressPools) {
    this.limits = limits;
    this.#rates = pools.rates("replay-bytes", limits.bytesPerAddress, REPLAY_WINDOW_MS);
  }

  /** Whether one request of the address may have so many events replayed. */
  allows(address: string, events: number): boolean {
    if (events === 0) return true;
    if (events > this.limits.eventsPerRequest) return false;
    // The last part of an address's bytes is for clients that missed little, and for those who want
    // much no more.
    const floor = events <= REPLAY_SMALL_EVENTS_MAX ? 0 : this.#rates.max * REPLAY_RESERVED_SHARE;
    return this.#rates.max === Number.POSITIVE_INFINITY || this.#rates.left(address) > floor;
  }

  /**
   * Bytes of a page that was made for another request as well cost a fraction: only the write is
   * new.
   */
  charge(address: string, bytes: number, isShared: boolean): void {
    if (this.#rates.max === Number.POSITIVE_INFINITY) return;
    this.#rates.add(
      addressGroupOf(address),
      Math.ceil(isShared ? bytes * REPLAY_SHARED_WEIGHT : bytes),
    );
  }
}
