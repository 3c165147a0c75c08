/**
 * Shares per address of bounded pools, counted over all processes of one machine.
 *
 * A pool is anything bounded that clients hold (slots, sockets, unfinished bodies, topics, memory) or
 * use up (bytes replayed, changes of subscriptions). Each pool has a name, and every process that opens
 * the same name of the same installation counts in the same pool. Two forms keep this contract
 * (`address-pools.contract.ts`): in memory for one process (`address-pools-memory.ts`), and over shared
 * memory for `--workers N` (`ovation/shares/address-pools-mapped.ts`).
 *
 * An address is what `RouteContext.address` says; an IPv6 address counts as its /64
 * (`addressGroupOf`). The empty address is a client that nothing is known of: it has no limit.
 */

export interface AddressPools {
  /** What is held and given back. `max` units per address; `Infinity` counts without a limit. */
  shares(pool: PoolName, max: number): AddressShares;
  /** What is used up. `max` units per address in any `windowMs`. */
  rates(pool: PoolName, max: number, windowMs: number): AddressRates;
}

/** A kebab-case word; one pool has one name, one `max` and one form in all processes. */
export type PoolName = string;

/** Calls are synchronous, never throw, and cost well under a microsecond. */
export interface AddressShares {
  readonly max: number;
  /** Takes `units` (default 1) if the address stays within its share; otherwise takes nothing. */
  take(address: string, units?: number): boolean;
  /** Counts units that are held already, also beyond the share: see `isOver`. */
  add(address: string, units?: number): void;
  /** Gives back what this process took or added; never more than that. */
  remove(address: string, units?: number): void;
  /** Units that the address holds over all processes; what another one did may show a moment later. */
  held(address: string): number;
  isOver(address: string): boolean;
  /**
   * The address that holds the most units in this process, for eviction: a process can only end what is
   * its own. Undefined where nothing is held. O(1).
   */
  heaviest(): { readonly address: string; readonly held: number } | undefined;
}

/** A sliding window: the last whole one counts by the part of it that the window still covers. */
export interface AddressRates {
  readonly max: number;
  readonly windowMs: number;
  /** Takes `units` (default 1) if the address stays within its rate; otherwise takes nothing. */
  take(address: string, units?: number): boolean;
  /** Counts units whose number was known only when they had been used, also beyond the rate. */
  add(address: string, units: number): void;
  /** Units that the address may still take now, at least 0. */
  left(address: string): number;
}
