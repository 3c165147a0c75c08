/**
 * The dispatchers of this data centre, as a dispatcher sees them: it renews its own lease in the
 * store, and the reply lists the others. While the store is unreachable the list stays as it is;
 * one that was emptied lists all again when each has renewed, and until then none is dropped.
 */

import type { Clock } from "@ovation/protocol";
import {
  type DispatcherAddress,
  type DispatcherLeases,
  type RenewedDispatcherLease,
  TableUnavailableError,
} from "@ovation/table";

export const DISPATCHER_LEASE_MS = 6000;
export const DISPATCHER_RENEW_MS = 1000;
/** Dispatchers of a data centre that are listed; beyond, those with the last ids are not. */
export const DISPATCHERS_MAX = 1000;

export interface DispatcherRegistryOptions {
  readonly self: DispatcherAddress;
  readonly leases: DispatcherLeases;
  /** A steady one. */
  readonly clock: Clock;
  random?(): number;
  onFailure(what: string, error: unknown): void;
}

export class DispatcherRegistry {
  readonly self: DispatcherAddress;
  readonly #options: DispatcherRegistryOptions;
  #list: readonly DispatcherAddress[];
  /** Until then a dispatcher that the store does not list is kept. */
  #keptUntil = Number.NEGATIVE_INFINITY;
  #hasRenewed = false;
  #cancel: () => void = () => undefined;
  #isClosed = false;

  constructor(options: DispatcherRegistryOptions) {
    this.#options = options;
    this.self = options.self;
    this.#list = [options.self];
  }

  /** This dispatcher among them. */
  get list(): readonly DispatcherAddress[] {
    return this.#list;
  }

  /** Resolves after the first attempt. */
  async start(): Promise<void> {
    await this.#renew();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel();
    if (!this.#hasRenewed) return;
    await this.#options.leases.release(this.self.id).catch((error: unknown) => {
      // Without it the lease expires.
      this.#options.onFailure("release of the dispatcher's lease", error);
    });
  }

  async #renew(): Promise<void> {
    const { clock, leases, onFailure, random = Math.random } = this.#options;
    try {
      this.#apply(await leases.renew(this.self, DISPATCHER_LEASE_MS));
    } catch (error) {
      if (!(error instanceof TableUnavailableError)) throw error;
      onFailure("lease of the dispatcher", error);
    }
    if (this.#isClosed) return;
    const waitMs = DISPATCHER_RENEW_MS * (0.9 + random() * 0.2);
    this.#cancel = clock.after(waitMs, () => void this.#renew());
  }

  #apply({ dispatchers, isNew }: RenewedDispatcherLease): void {
    const now = this.#options.clock.now();
    if (isNew && this.#hasRenewed) this.#keptUntil = now + DISPATCHER_LEASE_MS;
    this.#hasRenewed = true;
    const listed = dispatchers.slice(0, DISPATCHERS_MAX);
    const ids = new Set(listed.map(({ id }) => id));
    const kept = now < this.#keptUntil ? this.#list.filter(({ id }) => !ids.has(id)) : [];
    const next = [...listed, ...kept].slice(0, DISPATCHERS_MAX);
    if (!isSameList(next, this.#list)) this.#list = next;
  }
}

function isSameList(a: readonly DispatcherAddress[], b: readonly DispatcherAddress[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ id, url }, index) => b[index]?.id === id && b[index]?.url === url)
  );
}
