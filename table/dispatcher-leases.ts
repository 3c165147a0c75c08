/**
 * The dispatchers of one data centre: which are alive, and where they are called.
 *
 * The specification, held by `dispatcher-leases.contract.ts` for every form:
 *
 * - A dispatcher is listed while its lease runs. An id names one incarnation of a process.
 * - `renew` begins or renews a lease and returns all leases that run, this one included. `isNew`:
 *   there was none before, because it is the first, it had expired, or the store lost it. So its
 *   holder can tell that others may be missing as well until they renew.
 * - Rejects with {@link TableUnavailableError} when the store cannot be reached.
 */

/** Where the processes of the data centre call a dispatcher. */
export interface DispatcherAddress {
  /** Without spaces. */
  readonly id: string;
  /** Internal URL, for example `http://10.0.0.7:9080`. */
  readonly url: string;
}

export interface RenewedDispatcherLease {
  readonly isNew: boolean;
  /** In the order of their ids. */
  readonly dispatchers: readonly DispatcherAddress[];
}

export interface DispatcherLeases {
  renew(dispatcher: DispatcherAddress, ttlMs: number): Promise<RenewedDispatcherLease>;
  /** Ends the lease now, at a clean shutdown. */
  release(id: string): Promise<void>;
}

export function sortedById(dispatchers: readonly DispatcherAddress[]): DispatcherAddress[] {
  return dispatchers.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
