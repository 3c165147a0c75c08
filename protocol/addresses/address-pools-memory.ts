/** `AddressPools` of a single process. */

import { RATE_ADDRESSES_MAX } from "../limits.ts";
import type { Clock } from "../requests/route.ts";
import { addressGroupOf } from "./address-group.ts";
import type { AddressPools, AddressRates, AddressShares, PoolName } from "./address-pools.ts";
import { AddressTally } from "./address-tally.ts";

export function createMemoryPools(clock: Clock): AddressPools {
  const shares = new Map<PoolName, AddressShares>();
  const rates = new Map<PoolName, AddressRates>();
  return {
    shares: (pool, max) => getOrCreate(shares, pool, () => new MemoryShares(max)),
    rates: (pool, max, windowMs) =>
      getOrCreate(rates, pool, () => new MemoryRates(max, windowMs, clock)),
  };
}

function getOrCreate<T>(map: Map<PoolName, T>, pool: PoolName, create: () => T): T {
  const known = map.get(pool);
  if (known !== undefined) return known;
  const created = create();
  map.set(pool, created);
  return created;
}

class MemoryShares implements AddressShares {
  readonly max: number;
  readonly #tally = new AddressTally();

  constructor(max: number) {
    this.max = max;
  }

  take(address: string, units = 1): boolean {
    if (this.held(address) + units > this.max) return false;
    this.add(address, units);
    return true;
  }

  add(address: string, units = 1): void {
    if (address !== "") this.#tally.add(addressGroupOf(address), units);
  }

  remove(address: string, units = 1): void {
    this.#tally.remove(addressGroupOf(address), units);
  }

  held(address: string): number {
    return this.#tally.held(addressGroupOf(address));
  }

  isOver(address: string): boolean {
    return this.held(address) > this.max;
  }

  heaviest(): { readonly address: string; readonly held: number } | undefined {
    return this.#tally.heaviest();
  }
}

class MemoryRates implements AddressRates {
  readonly max: number;
  readonly windowMs: number;
  readonly #clock: Clock;
  /** The number of the window that `#current` counts. */
  #window = 0;
  #current = new Map<string, number>();
  #previous = new Map<string, number>();

  constructor(max: number, windowMs: number, clock: Clock) {
    this.max = max;
    this.windowMs = windowMs;
    this.#clock = clock;
  }

  take(address: string, units = 1): boolean {
    if (address !== "" && this.#used(address) + units > this.max) return false;
    this.add(address, units);
    return true;
  }

  add(address: string, units: number): void {
    if (address === "") return;
    this.#turn();
    const group = addressGroupOf(address);
    const used = this.#current.get(group);
    if (used === undefined && this.#current.size >= RATE_ADDRESSES_MAX) {
      for (const oldest of this.#current.keys()) {
        this.#current.delete(oldest);
        break;
      }
    }
    this.#current.set(group, (used ?? 0) + units);
  }

  left(address: string): number {
    return address === "" ? this.max : Math.max(0, this.max - this.#used(address));
  }

  #used(address: string): number {
    const group = addressGroupOf(address);
    const passed = this.#turn();
    return (this.#current.get(group) ?? 0) + (this.#previous.get(group) ?? 0) * (1 - passed);
  }

  /** Returns the elapsed share of the current window. */
  #turn(): number {
    const at = this.#clock.now() / this.windowMs;
    const window = Math.floor(at);
    if (window !== this.#window) {
      this.#previous = window === this.#window + 1 ? this.#current : new Map();
      this.#current = new Map();
      this.#window = window;
    }
    return at - window;
  }
}
