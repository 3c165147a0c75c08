/**
 * Evicts connections of the address that holds most of a full process. Finding them takes a scan of
 * all connections, so one scan serves many evictions, and scans are EVICT_SCAN_MS apart.
 */

import { addressGroupOf, type Clock } from "@ovation/protocol";
import { EVICT_SCAN_CONNECTIONS_MAX, EVICT_SCAN_MS } from "../limits.ts";
import type { Connection } from "./connection.ts";

export interface EvictorOptions {
  connections(): Iterable<Connection>;
  readonly clock: Clock;
  end(connection: Connection): void;
}

export class Evictor {
  readonly #options: EvictorOptions;
  #address = "";
  #found: Connection[] = [];
  #scannedAt = Number.NEGATIVE_INFINITY;

  constructor(options: EvictorOptions) {
    this.#options = options;
  }

  /**
   * Ends one connection of the address, a slow one first. False where none is found, or too soon.
   */
  evict(address: string): boolean {
    for (;;) {
      const next = this.#address === address ? this.#found.pop() : undefined;
      if (next === undefined) {
        if (!this.#scan(address)) return false;
      } else if (!next.closed) {
        this.#options.end(next);
        return true;
      }
    }
  }

  #scan(address: string): boolean {
    const { clock, connections } = this.#options;
    const now = clock.now();
    if (now - this.#scannedAt < EVICT_SCAN_MS) return false;
    this.#scannedAt = now;
    this.#address = address;
    const slow: Connection[] = [];
    const others: Connection[] = [];
    for (const connection of connections()) {
      if (addressGroupOf(connection.address) !== address) continue;
      (connection.pendingSince > 0 ? slow : others).push(connection);
      if (slow.length + others.length === EVICT_SCAN_CONNECTIONS_MAX) break;
    }
    this.#found = [...others, ...slow];
    return this.#found.length > 0;
  }
}
