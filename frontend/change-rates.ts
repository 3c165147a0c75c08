/**
 * Change rates: how fast the topics of connections change, for one connection and for one address.
 */

import {
  type AddressPools,
  type AddressRates,
  addressGroupOf,
  type Clock,
} from "@ovation/protocol";
import type { Connection } from "./connections/connection.ts";
import {
  CHANGE_REQUESTS_PER_ADDRESS_MAX,
  CHANGE_WINDOW_MS,
  TOPIC_CHANGES_PER_ADDRESS_MAX,
  TOPIC_CHANGES_PER_CONNECTION_MAX,
} from "./limits.ts";

/** In CHANGE_WINDOW_MS. */
export interface ChangeLimits {
  readonly perConnection: number;
  readonly perAddress: number;
  readonly requestsPerAddress: number;
}

export const DEFAULT_CHANGES: ChangeLimits = {
  perConnection: TOPIC_CHANGES_PER_CONNECTION_MAX,
  perAddress: TOPIC_CHANGES_PER_ADDRESS_MAX,
  requestsPerAddress: CHANGE_REQUESTS_PER_ADDRESS_MAX,
};

/** With `--rate-limits off`. */
export const OPEN_CHANGES: ChangeLimits = {
  perConnection: Number.POSITIVE_INFINITY,
  perAddress: Number.POSITIVE_INFINITY,
  requestsPerAddress: Number.POSITIVE_INFINITY,
};

interface Used {
  window: number;
  count: number;
}

export class ChangeRates {
  readonly #limits: ChangeLimits;
  readonly #clock: Clock;
  readonly #changes: AddressRates;
  readonly #requests: AddressRates;
  /** Only connections whose topics were changed have an entry. */
  readonly #connections = new WeakMap<Connection, Used>();

  constructor(limits: ChangeLimits, clock: Clock, pools: AddressPools) {
    this.#limits = limits;
    this.#clock = clock;
    this.#changes = pools.rates("topic-changes", limits.perAddress, CHANGE_WINDOW_MS);
    this.#requests = pools.rates("change-requests", limits.requestsPerAddress, CHANGE_WINDOW_MS);
  }

  /**
   * A request that names a connection, of this frontend or another one, whether or not it exists.
   */
  takeRequest(address: string): boolean {
    return this.#requests.take(addressGroupOf(address));
  }

  /** Topics added to an open connection and removed from it. */
  takeChange(connection: Connection, topics: number): boolean {
    const window = Math.floor(this.#clock.now() / CHANGE_WINDOW_MS);
    const used = this.#connections.get(connection) ?? { window, count: 0 };
    if (used.window !== window) {
      used.window = window;
      used.count = 0;
    }
    if (used.count + topics > this.#limits.perConnection) return false;
    if (!this.takeTopics(connection.address, topics)) return false;
    used.count += topics;
    this.#connections.set(connection, used);
    return true;
  }

  /** Topics of a connect that had no channel here. */
  takeTopics(address: string, topics: number): boolean {
    return topics === 0 || this.#changes.take(addressGroupOf(address), topics);
  }

  /** ms until it is worth asking again. */
  get retryAfterMs(): number {
    return Math.ceil(CHANGE_WINDOW_MS - (this.#clock.now() % CHANGE_WINDOW_MS));
  }
}
