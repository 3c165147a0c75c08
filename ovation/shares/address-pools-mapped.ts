/**
 * `AddressPools` over all processes of one installation on one machine: a file per pool in a
 * directory that only this user can open. What this process holds is exact; what the others hold is
 * an upper bound (`shared-counters.ts`). A process that was killed leaves its region as it was,
 * until the parent clears it (`clearRegion`) or its successor opens the pool.
 *
 * Rates need one clock for all processes, so they use the wall clock. Where that is set, at most
 * one window is counted wrongly.
 */

import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type AddressPools,
  type AddressRates,
  type AddressShares,
  AddressTally,
  addressGroupOf,
  type Clock,
  type PoolName,
} from "@ovation/protocol";
import { addTo, COUNTERS_PER_TABLE, KeyPlaces, mapRegions } from "./shared-counters.ts";

/** Where the pools are, for `JSON.stringify`: the parent tells its workers. */
export interface PoolsPlace {
  readonly directory: string;
  /** Processes that count: the workers, and their parent as the last. */
  readonly regions: number;
}

const KEY_FILE = "pools.key";
const SHARES_SUFFIX = ".shares";
const RATES_SUFFIX = ".rates";
const KEY_BYTES = 8;
/** The number of the window and the units in it, for the windows with even and with odd numbers. */
const RATE_TABLES = 4;

/** By the parent, before any process opens a pool. */
export function preparePools(place: PoolsPlace): void {
  writeFileSync(join(place.directory, KEY_FILE), randomBytes(KEY_BYTES), { mode: 0o600 });
}

/** By the parent, when the process of that region has ended: what it held is free. */
export function clearRegion({ directory, regions }: PoolsPlace, region: number): void {
  // The installation ends, and its directory is gone.
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    const counters = name.endsWith(SHARES_SUFFIX)
      ? COUNTERS_PER_TABLE
      : name.endsWith(RATES_SUFFIX)
        ? COUNTERS_PER_TABLE * RATE_TABLES
        : 0;
    if (counters > 0) mapRegions({ path: join(directory, name), region, regions, counters });
  }
}

/** `region` is this process's number, from 0. */
export function openMappedPools(place: PoolsPlace, region: number, clock: Clock): AddressPools {
  const places = new KeyPlaces(join(place.directory, KEY_FILE));
  const open = (file: string, counters: number) => {
    const { directory, regions } = place;
    return mapRegions({ path: join(directory, file), region, regions, counters });
  };
  const shares = new Map<PoolName, AddressShares>();
  const rates = new Map<PoolName, AddressRates>();
  return {
    shares(pool, max) {
      const known = shares.get(pool);
      if (known !== undefined) return known;
      const regions = open(pool + SHARES_SUFFIX, COUNTERS_PER_TABLE);
      const created = new MappedShares(max, places, regions, region);
      shares.set(pool, created);
      return created;
    },
    rates(pool, max, windowMs) {
      const known = rates.get(pool);
      if (known !== undefined) return known;
      const regions = open(pool + RATES_SUFFIX, COUNTERS_PER_TABLE * RATE_TABLES);
      const created = new MappedRates({ max, windowMs, places, regions, region, clock });
      rates.set(pool, created);
      return created;
    },
  };
}

class MappedShares implements AddressShares {
  readonly max: number;
  readonly #places: KeyPlaces;
  readonly #own: Uint32Array;
  readonly #others: readonly Uint32Array[];
  readonly #tally = new AddressTally();

  constructor(max: number, places: KeyPlaces, regions: readonly Uint32Array[], region: number) {
    this.max = max;
    this.#places = places;
    this.#own = regions[region] ?? new Uint32Array(COUNTERS_PER_TABLE);
    this.#others = regions.filter((_, index) => index !== region);
  }

  take(address: string, units = 1): boolean {
    if (this.held(address) + units > this.max) return false;
    this.add(address, units);
    return true;
  }

  add(address: string, units = 1): void {
    if (address === "") return;
    const group = addressGroupOf(address);
    this.#tally.add(group, units);
    for (const place of this.#places.of(group)) addTo(this.#own, place, units);
  }

  remove(address: string, units = 1): void {
    const group = addressGroupOf(address);
    const removed = this.#tally.remove(group, units);
    if (removed === 0) return;
    for (const place of this.#places.of(group)) addTo(this.#own, place, -removed);
  }

  held(address: string): number {
    if (address === "") return 0;
    const group = addressGroupOf(address);
    let lowest = Number.POSITIVE_INFINITY;
    for (const place of this.#places.of(group)) {
      let sum = 0;
      for (const region of this.#others) sum += region[place] ?? 0;
      if (sum < lowest) lowest = sum;
    }
    return this.#tally.held(group) + lowest;
  }

  isOver(address: string): boolean {
    return this.held(address) > this.max;
  }

  heaviest(): { readonly address: string; readonly held: number } | undefined {
    return this.#tally.heaviest();
  }
}

class MappedRates implements AddressRates {
  readonly max: number;
  readonly windowMs: number;
  readonly #places: KeyPlaces;
  readonly #regions: readonly Uint32Array[];
  readonly #own: Uint32Array;
  readonly #clock: Clock;

  constructor(given: {
    readonly max: number;
    readonly windowMs: number;
    readonly places: KeyPlaces;
    readonly regions: readonly Uint32Array[];
    readonly region: number;
    readonly clock: Clock;
  }) {
    this.max = given.max;
    this.windowMs = given.windowMs;
    this.#places = given.places;
    this.#regions = given.regions;
    this.#own = given.regions[given.region] ?? new Uint32Array(COUNTERS_PER_TABLE * RATE_TABLES);
    this.#clock = given.clock;
  }

  take(address: string, units = 1): boolean {
    if (address !== "" && this.#used(address) + units > this.max) return false;
    this.add(address, units);
    return true;
  }

  add(address: string, units: number): void {
    if (address === "") return;
    const window = this.#windowAt(this.#clock.now() / this.windowMs);
    const base = tableOf(window);
    for (const place of this.#places.of(addressGroupOf(address))) {
      const numberAt = base + place;
      const unitsAt = numberAt + COUNTERS_PER_TABLE;
      if (this.#own[numberAt] !== window) {
        // The units first: a reader must not take those of an old window for this one's.
        this.#own[unitsAt] = 0;
        this.#own[numberAt] = window;
      }
      addTo(this.#own, unitsAt, units);
    }
  }

  left(address: string): number {
    return address === "" ? this.max : Math.max(0, this.max - this.#used(address));
  }

  #used(address: string): number {
    const at = this.#clock.now() / this.windowMs;
    const window = this.#windowAt(at);
    const weight = 1 - (at - Math.floor(at));
    let lowest = Number.POSITIVE_INFINITY;
    for (const place of this.#places.of(addressGroupOf(address))) {
      const sum = this.#sum(window, place) + this.#sum(window - 1, place) * weight;
      if (sum < lowest) lowest = sum;
    }
    return lowest;
  }

  #sum(window: number, place: number): number {
    const numberAt = tableOf(window) + place;
    let sum = 0;
    for (const region of this.#regions) {
      if (region[numberAt] === window) sum += region[numberAt + COUNTERS_PER_TABLE] ?? 0;
    }
    return sum;
  }

  /** As a counter holds it. */
  #windowAt(at: number): number {
    return Math.floor(at) >>> 0;
  }
}

function tableOf(window: number): number {
  return (window & 1) * 2 * COUNTERS_PER_TABLE;
}
