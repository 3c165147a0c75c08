/** The invariants some time after healing: checked over the whole cluster. */

import { drainMicrotasks } from "bun:jsc";
import type { Topic } from "@ovation/protocol";
import type { FrontendAddress } from "@ovation/table";
import type { Audience } from "../audience.ts";
import type { Cluster, Datacenter } from "../cluster.ts";
import { SdkViewer } from "../sdk-viewer.ts";
import type { World } from "../world.ts";

/** Timers that one idle process may have pending. */
const TIMERS_MAX = 60;

/** The value of a promise that needs nothing but microtasks. */
function now<Value>(promise: Promise<Value>): Value {
  let settled: { readonly value: Value } | undefined;
  let failure: unknown;
  promise.then(
    (value) => {
      settled = { value };
    },
    (error: unknown) => {
      failure = error;
    },
  );
  drainMicrotasks();
  if (settled === undefined) throw failure ?? new Error("a promise waits for more than microtasks");
  return settled.value;
}

/**
 * Every viewer has every durable event of its topics. `swept`: each topic had one more event after
 * healing.
 */
export function checkCompleteness(world: World, audience: Audience, swept: boolean): void {
  const { verdict, truth } = world;
  const when = swept ? "after one event more" : "by repair alone";
  for (const viewer of audience.all) {
    const { name } = viewer.node.place;
    if (viewer.topics.size === 0) continue;
    if (!viewer.connected) {
      verdict.fail("not-connected", `${name} is ${viewer.state} ${when}`);
      continue;
    }
    // The loss of the newest events with an epoch of the log is unknown before there is a new
    // epoch.
    if (truth.restores > 0 && !swept) continue;
    for (const [topic, seen] of viewer.topics) {
      const has = "checker" in seen ? seen.checker.last : seen.through;
      const head = truth.head(topic);
      if ("checker" in seen) checkLife(world, name, topic, seen.checker.seen);
      // An id names one topic's epoch only: see docs/simulation.md.
      else if (truth.restores > 0) continue;
      if (has !== head)
        verdict.fail(
          "incomplete",
          `${name} has ${topic} up to ${has}, the log up to ${head}, ${when}`,
        );
    }
  }
}

/**
 * A viewer of the SDK has nothing of a lost epoch of the log, except events from before the backup.
 */
function checkLife(
  world: World,
  name: string,
  topic: Topic,
  seen: ReadonlyMap<number, string>,
): void {
  for (const [seq, data] of seen) {
    if (world.truth.dataOf(topic, seq) === data) continue;
    world.verdict.fail(
      "lives-mixed",
      `${name} has ${topic} ${seq} as ${data}, the log has ${world.truth.dataOf(topic, seq)}`,
    );
  }
}

/** Totals travel with likes and repair losses. */
export function checkLikes(world: World, audience: Audience): void {
  for (const viewer of audience.all) {
    for (const [topic, seen] of viewer.topics) {
      const likes = "checker" in seen ? seen.checker.likes : seen.likes;
      if (likes !== world.truth.likes(topic)) {
        world.verdict.fail(
          "likes",
          `${viewer.node.place.name} shows ${likes} likes of ${topic}, there were ` +
            `${world.truth.likes(topic)}`,
        );
      }
    }
  }
}

export function checkAcknowledged(world: World): void {
  for (const [topic, told] of world.truth.acknowledged) {
    for (const [seq, text] of told) {
      if (world.truth.dataOf(topic, seq) !== text)
        world.verdict.fail("acknowledged-lost", `${topic} ${seq}: ${text} was acknowledged`);
    }
  }
}

/** The table of each data centre names exactly the live frontends that have a subscription. */
export function checkTables(world: World, cluster: Cluster, topics: readonly Topic[]): void {
  for (const datacenter of cluster.datacenters) {
    const rows = now(datacenter.store.table.lookup(topics));
    topics.forEach((topic, index) => {
      const table = (rows[index] ?? []).map(({ id }: FrontendAddress) => id);
      for (const { frontend, node, topics: has } of datacenter.living) {
        const inTable = table.includes(frontend.id);
        if (inTable && !has.includes(topic))
          world.verdict.fail(
            "table-stale",
            `${node.place.name} does not have ${topic}, the table says it does`,
          );
        if (!inTable && has.includes(topic))
          world.verdict.fail(
            "table-missing",
            `${node.place.name} has ${topic}, the table does not say so`,
          );
      }
      const living = datacenter.living.map(({ frontend }) => frontend.id);
      const dead = table.find((id) => !living.includes(id));
      if (dead !== undefined)
        world.verdict.fail(
          "table-stale",
          `${datacenter.name}: ${topic} has a row of ${dead}, which is dead`,
        );
    });
  }
}

/** How many connections of the data centre have the topic. */
export function countViewers(datacenter: Datacenter, topic: Topic): number {
  let viewers = 0;
  for (const { frontend } of datacenter.living) {
    for (const { subscriptions } of frontend.connections.values()) {
      if (subscriptions.some(({ channel }) => channel.topic === topic)) viewers++;
    }
  }
  return viewers;
}

/**
 * The shown viewers were correct within the last ten seconds, for each data centre. `recent`: the
 * numbers of that time.
 */
export function checkViewerCounts(
  world: World,
  cluster: Cluster,
  audience: Audience,
  recent: (datacenter: Datacenter, topic: Topic) => ReadonlySet<number>,
): void {
  for (const viewer of audience.all) {
    for (const [topic, seen] of viewer.topics) {
      if (!topic.startsWith("video:")) continue;
      const shown = "checker" in seen ? seen.checker.viewers : seen.viewers;
      const truth = sums(cluster.datacenters.map((datacenter) => recent(datacenter, topic)));
      if (shown === undefined || !truth.has(shown)) {
        world.verdict.fail(
          "viewer-counts",
          `${viewer.node.place.name} is shown ${shown} viewers of ${topic}; recently ` +
            `there were ${[...truth].join(", ")}`,
        );
      }
    }
  }
}

/** One number of each, added up, in every combination. */
function sums(sets: readonly ReadonlySet<number>[]): ReadonlySet<number> {
  let all = new Set([0]);
  for (const set of sets)
    all = new Set([...all].flatMap((sum) => [...set].map((value) => sum + value)));
  return all;
}

/** No state is kept for closed connections. */
export function checkMemory(world: World, cluster: Cluster, audience: Audience): void {
  const { verdict, settings } = world;
  for (const { links, peers, node } of cluster.dispatchers) {
    const who = node.place.name;
    const { waiting, waitingBytes } = links.stats();
    if (waiting > 0 || waitingBytes > 0)
      verdict.fail(
        "memory",
        `${who} keeps ${waiting} events, ${waitingBytes} bytes, for its links`,
      );
    for (const peer of peers.stats()) {
      if (peer.waiting > 0 || peer.inFlight > 0)
        verdict.fail(
          "memory",
          `${who} keeps ${peer.waiting} events and ${peer.inFlight} batches for ${peer.name}`,
        );
    }
    if (node.timers > TIMERS_MAX)
      verdict.fail("memory", `${who} has ${node.timers} timers pending`);
  }
  for (const { frontend, node, held } of cluster.frontends) {
    const who = node.place.name;
    const open = [...held.values()].filter(({ socket }) => socket.openAtServer).length;
    if (frontend.connections.size !== open)
      verdict.fail(
        "memory",
        `${who} holds ${frontend.connections.size} connections, ${open} sockets are open`,
      );
    if (frontend.counters.slow !== 0)
      verdict.fail(
        "memory",
        `${who} counts ${frontend.counters.slow} slow connections, all viewers read`,
      );
    for (const channel of frontend.hub.channels.values()) {
      const subscribers = [...frontend.connections.values()].filter(({ subscriptions }) =>
        subscriptions.some((one) => one.channel === channel),
      );
      if (subscribers.length !== channel.subscribers) {
        verdict.fail(
          "memory",
          `${who} counts ${channel.subscribers} subscribers of ${channel.topic}, ` +
            `${subscribers.length} connections have it`,
        );
      }
      // Lifetimes end connections constantly in some runs: a topic may have lost its last viewer
      // just now.
      if (channel.subscribers === 0 && settings.lifetimeMs.min > 1_000_000)
        verdict.fail("memory", `${who} keeps ${channel.topic}, without a subscriber`);
      if (channel.hasHeld)
        verdict.fail("memory", `${who} holds events of ${channel.topic} that it could have sent`);
    }
    if (node.timers > TIMERS_MAX)
      verdict.fail("memory", `${who} has ${node.timers} timers pending`);
  }
  for (const viewer of audience.all) {
    if (viewer instanceof SdkViewer && viewer.node.timers > TIMERS_MAX)
      verdict.fail("memory", `${viewer.node.place.name} has ${viewer.node.timers} timers`);
  }
}
