/**
 * The cluster: which processes run where, service discovery, and their start, death and shutdown.
 */

import type { FrontendId } from "@ovation/protocol";
import type { Connection } from "./connection.ts";
import type { DatacenterView, Discovery } from "./discovery.ts";
import { type Node, Place } from "./node.ts";
import { CommentsProcess } from "./processes/comments-process.ts";
import { DispatcherProcess } from "./processes/dispatcher-process.ts";
import { FrontendProcess } from "./processes/frontend-process.ts";
import { LogServer } from "./processes/log-server.ts";
import { Store } from "./processes/store.ts";
import type { Socket } from "./socket.ts";
import type { World } from "./world.ts";

/** One data centre: its store, dispatchers and frontends. */
export class Datacenter implements DatacenterView {
  readonly name: string;
  readonly store: Store;
  readonly dispatcherPlaces: readonly Place[];
  readonly frontendPlaces: readonly Place[];
  readonly dispatchers = new Map<Place, DispatcherProcess>();
  readonly frontends = new Map<Place, FrontendProcess>();

  constructor(world: World, name: string) {
    this.name = name;
    this.store = new Store(world, name);
    this.dispatcherPlaces = places(world.settings.dispatchers, name, "dispatcher");
    this.frontendPlaces = places(world.settings.frontends, name, "frontend");
  }

  dispatcherAt(place: Place): DispatcherProcess | undefined {
    const process = this.dispatchers.get(place);
    return process?.node.alive === true ? process : undefined;
  }

  /** The live frontends. */
  get living(): readonly FrontendProcess[] {
    return [...this.frontends.values()].filter(({ node }) => node.alive);
  }
}

export class Cluster implements Discovery {
  readonly datacenters: readonly Datacenter[];
  readonly log: LogServer;
  readonly commentsPlaces: readonly Place[];
  /** Streams that are open at one end at least. */
  readonly sockets = new Set<Socket>();
  readonly links = new Set<Connection<unknown>>();
  readonly #world: World;
  readonly #comments = new Map<Place, CommentsProcess>();
  readonly #byId = new Map<FrontendId, FrontendProcess>();
  readonly #byNode = new Map<Node, FrontendProcess>();

  constructor(world: World) {
    this.#world = world;
    const names = ["A", "B", "C"].slice(0, world.settings.datacenters);
    this.datacenters = names.map((name) => new Datacenter(world, name));
    this.log = new LogServer(world, "A");
    // Next to the log: comments are written in one data centre.
    this.commentsPlaces = places(2, "A", "comments");
    for (const place of this.commentsPlaces) this.startComments(place);
    for (const datacenter of this.datacenters) {
      for (const place of datacenter.dispatcherPlaces) this.startDispatcher(datacenter, place);
      for (const place of datacenter.frontendPlaces) this.startFrontend(datacenter, place);
    }
  }

  get home(): Datacenter {
    const [first] = this.datacenters;
    if (first === undefined) throw new Error("a cluster has a data centre");
    return first;
  }

  startComments(place: Place): void {
    this.#comments.set(place, new CommentsProcess(this.#world, this, this.home, place));
  }

  startDispatcher(datacenter: Datacenter, place: Place): void {
    datacenter.dispatchers.set(place, new DispatcherProcess(this.#world, this, datacenter, place));
  }

  startFrontend(datacenter: Datacenter, place: Place): void {
    const process = new FrontendProcess(this.#world, this, datacenter, place);
    datacenter.frontends.set(place, process);
    this.#byId.set(process.frontend.id, process);
    this.#byNode.set(process.node, process);
  }

  died(node: Node, silently = false): void {
    for (const link of this.links) {
      link.died(node, silently);
      if (link.isOver) this.links.delete(link);
    }
  }

  frontendOf(id: FrontendId): FrontendProcess | undefined {
    const process = this.#byId.get(id);
    return process?.node.alive === true ? process : undefined;
  }

  processAt(node: Node): FrontendProcess | undefined {
    return this.#byNode.get(node);
  }

  commentsAt(node: Node): CommentsProcess | undefined {
    const process = this.#comments.get(node.place);
    return process?.node === node ? process : undefined;
  }

  get comments(): readonly CommentsProcess[] {
    return [...this.#comments.values()].filter(({ node }) => node.alive);
  }

  get dispatchers(): readonly DispatcherProcess[] {
    return this.datacenters.flatMap(({ dispatchers }) =>
      [...dispatchers.values()].filter(({ node }) => node.alive),
    );
  }

  get frontends(): readonly FrontendProcess[] {
    return this.datacenters.flatMap(({ living }) => living);
  }

  /**
   * A frontend of the data centre that accepts connections, if any, as a load balancer chooses it.
   */
  balance(datacenter: string): Place | undefined {
    const here = this.datacenters.find(({ name }) => name === datacenter);
    const taking = here?.living.filter(({ draining }) => !draining) ?? [];
    return this.#world.random.pick(taking)?.node.place;
  }

  placeOf(url: string): Place | undefined {
    return this.places.find(({ name }) => name === url);
  }

  dispatcherAt(place: Place): DispatcherProcess | undefined {
    return this.datacenters.find(({ name }) => name === place.datacenter)?.dispatcherAt(place);
  }

  /** Every place, for faults that may happen anywhere. */
  get places(): readonly Place[] {
    return [
      ...this.datacenters.flatMap(({ store, dispatcherPlaces, frontendPlaces }) => [
        store.place,
        ...dispatcherPlaces,
        ...frontendPlaces,
      ]),
      this.log.place,
      ...this.commentsPlaces,
    ];
  }
}

function places(count: number, datacenter: string, kind: Place["kind"]): readonly Place[] {
  return Array.from(
    { length: count },
    (_, index) => new Place(datacenter, kind, `${kind}-${index + 1}`),
  );
}
