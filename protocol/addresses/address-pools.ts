/**
 * Shares per address of bounded pools, counted over all processes of one machine.
 *
 * A pool is anything bounded that clients hold (slots, sockets, unfinished bodies, topics, memory)
 * or use up (bytes replayed, subscription changes). Each pool has a name, and every process of one
 * installation that opens the same name counts in the same pool. Two forms keep this contract
 * (`address-pools.contract.ts`): in memory for one process (`address-pools-memory.ts`), and over
 * shared memory for `--workers N` (`ovation/shares/address-pools-mapped.ts`).
 *
 * An address is what `RouteContext.address` says; an IPv6 address counts as its /64
 * (`addressGroupOf`). The empty address is an unknown client: it has no limit.
 */

export interface AddressPools {
  /**
   * Units that are held and returned. `max` units per address; `Infinity` counts without a limit.
   */
  shares(pool: PoolName, max: number): AddressShares;
  /** Units that are used up. `max` units per address in any `windowMs`. */
  rates(pool: PoolName, max: number, windowMs: number): AddressRates;
}

/** A kebab-case word; one pool has one name, one `max` and one form in all processes. */
export type PoolName = string;

/** Calls are synchronous, never throw, and cost well under a microsecond. */
export interface AddressShares {
  readonly max: number;
  /** Takes `units` (default 1) if the address stays within its share; otherwise takes nothing. */
  take(address: string, units?: number): boolean;
  /** Counts units that are already held, also beyond the share: see `isOver`. */
  add(address: string, units?: number): void;
  /** Returns what this process took or added; never more than that. */
  remove(address: string, units?: number): void;
  /** Units that the address holds over all processes; changes by other processes may show late. */
  held(address: string): number;
  isOver(address: string): boolean;
  /**
   * The address that holds the most units in this process, for eviction: a process can only evict
   * what it owns. Undefined where nothing is held. O(1).
   */
  heaviest(): { readonly address: string; readonly held: number } | undefined;
}

/** A sliding window: the previous one counts by the fraction that the window still covers. */
export interface AddressRates {
  readonly max: number;
  readonly windowMs: number;
  /** Takes `units` (default 1) if the address stays within its rate; otherwise takes nothing. */
  take(address: string, units?: number): boolean;
  /** Counts units whose number is known only after they were used, also beyond the rate. */
  add(address: string, units: number): void;
  /** Units that the address may still take now, at least 0. */
  left(address: string): number;
}
