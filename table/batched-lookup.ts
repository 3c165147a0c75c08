/**
 * Lookups that are called in one turn of the event loop become one: each distinct topic is read once,
 * and the leases once for all. Nothing is kept longer than that: what a lookup answers was read after
 * it was called.
 *
 * Topics are read in groups, one for each node of the store, and a lookup fails only with the groups
 * that it has topics in: while one node of a Cluster is down, topics on the others are found.
 */

import type { Topic } from "@ovation/protocol";
import type { FrontendAddress } from "./subscription-table.ts";

type Found = readonly FrontendAddress[];
type Group = Promise<ReadonlyMap<Topic, Found>>;

export interface LookupReader {
  /** The group of a topic. */
  groupOf(topic: Topic): string;
  /** Reads the leases and each group, all sent at once. */
  read(groups: ReadonlyMap<string, ReadonlySet<Topic>>): ReadonlyMap<string, Group>;
}

interface Waiting {
  readonly topics: readonly Topic[];
  resolve(found: readonly Found[] | Promise<readonly Found[]>): void;
}

export function createBatchedLookup({ groupOf, read }: LookupReader): (topics: readonly Topic[]) => Promise<readonly Found[]> {
  let waiting: Waiting[] = [];

  function readAll(): void {
    const batch = waiting;
    waiting = [];
    const groupNames = new Map<Topic, string>();
    const groups = new Map<string, Set<Topic>>();
    for (const { topics } of batch) {
      for (const topic of topics) {
        if (groupNames.has(topic)) continue;
        const name = groupOf(topic);
        groupNames.set(topic, name);
        const group = groups.get(name);
        if (group === undefined) groups.set(name, new Set([topic]));
        else group.add(topic);
      }
    }
    const answers = read(groups);
    for (const { topics, resolve } of batch) resolve(collect(topics, groupNames, answers));
  }

  return (topics) =>
    new Promise((resolve) => {
      if (waiting.length === 0) setImmediate(readAll);
      waiting.push({ topics, resolve });
    });
}

async function collect(
  topics: readonly Topic[],
  groupNames: ReadonlyMap<Topic, string>,
  answers: ReadonlyMap<string, Group>,
): Promise<readonly Found[]> {
  const [only] = answers.values();
  if (answers.size === 1 && only !== undefined) {
    const found = await only;
    return topics.map((topic) => found.get(topic) ?? []);
  }
  const read = new Map<string, ReadonlyMap<Topic, Found>>();
  for (const topic of topics) {
    const name = groupNames.get(topic) ?? "";
    const group = read.has(name) ? undefined : await answers.get(name);
    if (group !== undefined) read.set(name, group);
  }
  return topics.map((topic) => read.get(groupNames.get(topic) ?? "")?.get(topic) ?? []);
}
