/** A dispatcher in its process: the real one, over a simulated store, log, links to frontends and peers. */

import { createPeerInterest, Dispatcher, type FrontendLinks, NO_LINK_STATS, type PeerInterest } from "@ovation/dispatcher";
import { type Event, type FrontendId, isDurable, Problem, type Topic } from "@ovation/protocol";
import { type SubscriptionTable, TableUnavailableError } from "@ovation/table";
import type { Cluster, Datacenter } from "./cluster.ts";
import { CallError } from "./network.ts";
import { Node, type Place } from "./node.ts";
import type { World } from "./world.ts";

const CALL_TIMEOUT_MS = 2000;
const FORWARD_TIMEOUT_MS = 3000;
const WANTED_TIMEOUT_MS = 1000;

export class DispatcherProcess {
  readonly dispatcher: Dispatcher;
  readonly node: Node;
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #datacenter: Datacenter;
  readonly #table: SubscriptionTable;
  /** What each other data centre wants; made when something is forwarded first, for there may be none yet. */
  readonly #interests = new Map<Datacenter, PeerInterest>();
  /** When the last batch arrives, per frontend: a link keeps the order. */
  readonly #arrivals = new Map<FrontendId, number>();

  constructor(world: World, cluster: Cluster, datacenter: Datacenter, place: Place) {
    this.#world = world;
    this.#cluster = cluster;
    this.#datacenter = datacenter;
    this.node = new Node(place, world.timeline);
    this.#table = datacenter.store.tableFor(this.node);
    this.dispatcher = new Dispatcher({
      table: this.#table,
      counts: datacenter.store.countsFor(this.node),
      log: cluster.log.logFor(this.node),
      links: this.#links(),
      calls: {
        changeConnection: async (address, change) => {
          const process = cluster.frontendOf(address.id);
          if (process === undefined) throw new Problem("bad-gateway");
          try {
            return await world.network.call(this.node, process.node.place, CALL_TIMEOUT_MS, (there) =>
              there === process.node ? process.changeHere(change) : Promise.reject(new Problem("bad-gateway")),
            );
          } catch (error) {
            throw error instanceof CallError ? new Problem("bad-gateway") : error;
          }
        },
      },
      policy: world.policy,
      forward: (events) => this.#forward(events),
      onFailure: (what, error) => {
        world.tolerated++;
        world.trace.note(place.name, () => `${what} failed: ${String(error)}`);
      },
    });
  }

  /** What another data centre asks. */
  lookup(topics: readonly Topic[]): ReturnType<SubscriptionTable["lookup"]> {
    return this.#table.lookup(topics);
  }

  #links(): FrontendLinks {
    return {
      send: (address, events) => this.#send(address.id, events),
      stats: () => NO_LINK_STATS,
      async close() {},
    };
  }

  /** One way, in order per frontend. A link that breaks loses what was on it. */
  #send(frontend: FrontendId, events: readonly Event[]): void {
    const { timeline, network, random, trace } = this.#world;
    const process = this.#cluster.frontendOf(frontend);
    if (process === undefined) return;
    const { place } = process.node;
    const arrivesAt = Math.max(this.#arrivals.get(frontend) ?? 0, timeline.now + network.delay(this.node.place, place));
    this.#arrivals.set(frontend, arrivesAt);
    process.expect(arrivesAt);
    if (network.isCut(this.node.place, place) || random.chance(network.weather.loss)) {
      trace.note(this.node.place.name, () => `lost on the link to ${place.name}: ${describe(events)}`);
      return;
    }
    timeline.after(arrivesAt - timeline.now, () => {
      if (network.isCut(this.node.place, place)) return;
      process.node.do(() => process.dispatch(events));
    });
  }

  /** Once to every other data centre that wants it, to one dispatcher there; durable ones are tried twice, at two dispatchers. */
  #forward(events: readonly Event[]): void {
    for (const other of this.#cluster.datacenters) if (other !== this.#datacenter) this.#interestIn(other).push(events);
  }

  #interestIn(other: Datacenter): PeerInterest {
    const known = this.#interests.get(other);
    if (known !== undefined) return known;
    const { random } = this.#world;
    const interest = createPeerInterest({
      clock: this.node.clock,
      isUp: () => true,
      ask: (topics) => this.#ask(other, topics),
      forward: (events) => void this.#forwardTo(other, random.shuffle(other.dispatcherPlaces), events),
    });
    this.#interests.set(other, interest);
    return interest;
  }

  async #ask(other: Datacenter, topics: readonly Topic[]): Promise<readonly boolean[] | undefined> {
    const { network, random } = this.#world;
    const place = random.choose(other.dispatcherPlaces);
    try {
      const found = await network.call(this.node, place, WANTED_TIMEOUT_MS, async () => other.dispatcherAt(place)?.lookup(topics));
      return found?.map((frontends) => frontends.length > 0);
    } catch (error) {
      if (error instanceof CallError || error instanceof TableUnavailableError) return undefined;
      throw error;
    }
  }

  async #forwardTo(other: Datacenter, places: readonly Place[], events: readonly Event[]): Promise<void> {
    const { network, trace } = this.#world;
    let remaining = events;
    for (const place of places.slice(0, 2)) {
      try {
        await network.call(this.node, place, FORWARD_TIMEOUT_MS, async () => other.dispatcherAt(place)?.dispatcher.receive(remaining));
        return;
      } catch (error) {
        // Whether it arrived is not known: what may not come twice is not sent again.
        remaining = remaining.filter(isDurable);
        trace.note(this.node.place.name, () => `forward to ${place.name} failed: ${String(error)}`);
        if (remaining.length === 0) return;
      }
    }
  }
}

export function describe(events: readonly Event[]): string {
  return events.map((event) => `${event.topic}#${event.place?.seq ?? event.type}`).join(" ");
}
