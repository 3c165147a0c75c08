/**
 * Lookups that are called in one turn of the event loop become one: each distinct topic is read once,
 * and the leases once for all. Nothing is kept longer than that: what a lookup answers was read after
 * it was called.
 */

import type { Topic } from "@ovation/protocol";
import type { FrontendAddress } from "./subscription-table.ts";

type Found = readonly FrontendAddress[];

interface Waiting {
  readonly topics: readonly Topic[];
  resolve(found: readonly Found[]): void;
  reject(reason: unknown): void;
}

export function createBatchedLookup(
  read: (topics: readonly Topic[]) => Promise<ReadonlyMap<Topic, Found>>,
): (topics: readonly Topic[]) => Promise<readonly Found[]> {
  let waiting: Waiting[] = [];

  async function readAll(batch: readonly Waiting[]): Promise<void> {
    const distinct = new Set<Topic>();
    for (const { topics } of batch) for (const topic of topics) distinct.add(topic);
    try {
      const found = await read([...distinct]);
      for (const { topics, resolve } of batch) resolve(topics.map((topic) => found.get(topic) ?? []));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return (topics) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) {
        setImmediate(() => {
          const batch = waiting;
          waiting = [];
          void readAll(batch);
        });
      }
      waiting.push({ topics, resolve, reject });
    });
}
