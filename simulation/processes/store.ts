/**
 * The store of a data centre (Redis in production): table, viewer counts and claims in memory,
 * reached over the network.
 */

import {
  HeldTotals,
  MemorySharedStore,
  MemorySubscriptionTable,
  MemoryViewerCounts,
  type SharedStore,
  type SubscriptionTable,
  TableUnavailableError,
  type ViewerCounts,
} from "@ovation/table";
import { CallError } from "../network.ts";
import { Node, Place } from "../node.ts";
import type { World } from "../world.ts";

const TIMEOUT_MS = 500;

export class Store {
  readonly place: Place;
  table!: SubscriptionTable;
  counts!: MemoryViewerCounts;
  shared!: SharedStore;
  readonly #world: World;
  /** Incarnations of the store so far. */
  #lives = 0;
  #bornAt = 0;

  constructor(world: World, datacenter: string) {
    this.#world = world;
    this.place = new Place(datacenter, "store", "store");
    this.start();
  }

  /** FLUSHALL, or a restart without a file. */
  wipe(): void {
    const { clock } = this.#node();
    this.table = new MemorySubscriptionTable(clock);
    this.counts = new MemoryViewerCounts(clock);
    this.shared = new MemorySharedStore(clock);
    this.#lives++;
    this.#bornAt = this.#world.timeline.now;
  }

  start(): void {
    new Node(this.place, this.#world.timeline);
    this.wipe();
  }

  /** It is unreachable, and returns with its data. */
  suspend(): void {
    this.#node().alive = false;
  }

  resume(): void {
    this.#node().alive = true;
  }

  #node(): Node {
    if (this.place.node === undefined) throw new Error("a store has a node from the start on");
    return this.place.node;
  }

  /** The table as a dispatcher calls it. */
  tableFor(node: Node): SubscriptionTable {
    return {
      renew: (frontend, ttlMs) => this.#call(node, () => this.table.renew(frontend, ttlMs)),
      release: (frontend) => this.#call(node, () => this.table.release(frontend)),
      change: (frontend, changes) => this.#call(node, () => this.table.change(frontend, changes)),
      lookup: (topics) => this.#call(node, () => this.table.lookup(topics)),
      async close() {},
    };
  }

  countsFor(node: Node): ViewerCounts {
    const held = new HeldTotals(node.steadyClock, true);
    const { timeline } = this.#world;
    return {
      report: (reporter, counts, ttlMs) =>
        this.#call(node, () => this.counts.report(reporter, counts, ttlMs)),
      release: (reporter) => this.#call(node, () => this.counts.release(reporter)),
      totals: (topics) =>
        this.#call(node, async () => {
          const totals = await this.counts.totals(topics);
          const life = { identity: String(this.#lives), ageMs: timeline.now - this.#bornAt };
          return held.answer(life, topics, totals);
        }),
      async close() {},
    };
  }

  /** Claims of forwarded batches, and the identity of the store. */
  sharedFor(node: Node): Pick<SharedStore, "claim"> {
    return { claim: (key, ttlMs) => this.#call(node, () => this.shared.claim(key, ttlMs)) };
  }

  async #call<Value>(node: Node, work: () => Promise<Value>): Promise<Value> {
    try {
      return await this.#world.network.call(node, this.place, TIMEOUT_MS, work);
    } catch (error) {
      throw error instanceof CallError ? new TableUnavailableError(error.message) : error;
    }
  }
}
