/**
 * Lookups of one turn of the event loop become one: each distinct topic is read once, and the
 * leases once for all. So do lookups during one in flight: most of a lookup's cost in this process
 * is its command. None waits longer than {@link WAIT_MS}, so a store or node that hangs delays no
 * other one. Nothing is cached: every result was read after its lookup was called.
 *
 * Topics are read in groups, one for each node of the store, and a lookup fails only with the
 * groups of its topics: while one node of a Cluster is down, topics on the others are found.
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

/** How long a lookup waits for the one before it. */
const WAIT_MS = 1;

interface Waiting {
  readonly topics: readonly Topic[];
  resolve(found: readonly Found[] | Promise<readonly Found[]>): void;
}

export function createBatchedLookup({
  groupOf,
  read,
}: LookupReader): (topics: readonly Topic[]) => Promise<readonly Found[]> {
  let waiting: Waiting[] = [];
  let underWay = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function readAll(): void {
    clearTimeout(timer);
    timer = undefined;
    const batch = waiting;
    if (batch.length === 0) return;
    waiting = [];
    underWay++;
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
    void Promise.allSettled(answers.values()).then(() => {
      underWay--;
      // Together with the other lookups of this turn.
      if (waiting.length > 0) setImmediate(readAll);
    });
  }

  return (topics) =>
    new Promise((resolve) => {
      if (waiting.length === 0) {
        if (underWay === 0) setImmediate(readAll);
        else timer = setTimeout(readAll, WAIT_MS);
      }
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
