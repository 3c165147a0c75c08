/**
 * A dispatcher in its process: the real one, with its real links and peer lanes, over a simulated
 * network, store and log.
 */

import {
  CallFailedError,
  createPeers,
  createRefusals,
  Dispatcher,
  FORWARD_PATH,
  type FrontendLinks,
  formatPeerCaller,
  type InternalClient,
  NetworkLinks,
  PEER_VIEWERS_PATH,
  type Peer,
  PeerReceiver,
  type Peers,
  PeerViewers,
  WANTED_PATH,
} from "@ovation/dispatcher";
import type { ConnectionChange, ConnectionChangeResult } from "@ovation/frontend";
import { type Event, frontendIdFrom, Problem } from "@ovation/protocol";
import type { FrontendAddress } from "@ovation/table";
import type { DatacenterView, Discovery, PeerCall, RunningDispatcher } from "../discovery.ts";
import { Link } from "../link.ts";
import { CallError } from "../network.ts";
import { Node, type Place } from "../node.ts";
import type { World } from "../world.ts";

const CALL_TIMEOUT_MS = 2000;

export class DispatcherProcess implements RunningDispatcher {
  readonly dispatcher: Dispatcher;
  readonly node: Node;
  readonly links: FrontendLinks;
  readonly peers: Peers;
  readonly #world: World;
  readonly #cluster: Discovery;
  readonly #receiver: PeerReceiver;

  constructor(world: World, cluster: Discovery, datacenter: DatacenterView, place: Place) {
    this.#world = world;
    this.#cluster = cluster;
    this.node = new Node(place, world.timeline);
    const { node } = this;
    const { policy, random, settings, trace } = world;
    const id = frontendIdFrom(random.bytes(8));
    const table = datacenter.store.tableFor(node);
    const ownCounts = datacenter.store.countsFor(node);
    const clock = node.steadyClock;
    const next = () => random.next();
    const onFailure = (what: string, error: unknown) => {
      world.tolerated++;
      trace.note(place.name, () => `${what} failed: ${String(error)}`);
    };
    const client = this.#client(formatPeerCaller(peerName(datacenter), id));
    const known = cluster.datacenters
      .filter((other) => other !== datacenter)
      .map((other) => toPeer(other));
    const counts =
      known.length === 0
        ? ownCounts
        : new PeerViewers({
            counts: ownCounts,
            peers: known,
            client,
            clock,
            random: next,
            onFailure,
          });
    this.links = new NetworkLinks({
      policy,
      clock,
      random: next,
      soon: (run) => node.soon(run),
      connect: (frontend, events) =>
        new Link(world, cluster, { node, from: `dispatcher ${id}` }, frontend, events),
      onState: (frontend, state, detail) =>
        trace.note(place.name, () => `link to ${frontend} is ${state}: ${detail}`),
      onGone: (frontend) => void this.dispatcher.dropViewersOf(frontend),
    });
    this.peers = createPeers({
      dispatcherId: id,
      peers: known,
      client,
      policy,
      clock,
      random: next,
      forward: settings.forward,
      onState: (peer, state, detail) =>
        trace.note(place.name, () => `data centre ${peer} is ${state}: ${detail}`),
    });
    this.dispatcher = new Dispatcher({
      table,
      clock,
      counts,
      log: cluster.log.logFor(node),
      links: this.links,
      calls: {
        changeConnection: (address, change) => this.#changeConnection(address, change),
      },
      policy,
      forward: (events) => this.peers.forward(events),
      onFailure,
    });
    this.#receiver = new PeerReceiver({
      refusals: createRefusals(),
      datacenter: peerName(datacenter),
      clock,
      counts: ownCounts,
      table,
      shared: datacenter.store.sharedFor(node),
      receive: (events) => this.dispatcher.receive(events),
      onFailure,
    });
  }

  async #changeConnection(
    { id }: FrontendAddress,
    change: ConnectionChange,
  ): Promise<ConnectionChangeResult> {
    const process = this.#cluster.frontendOf(id);
    if (process === undefined) throw new Problem("bad-gateway");
    const { network } = this.#world;
    try {
      return await network.call(this.node, process.node.place, CALL_TIMEOUT_MS, (there) =>
        there === process.node
          ? process.changeHere(change)
          : Promise.reject(new Problem("bad-gateway")),
      );
    } catch (error) {
      throw error instanceof CallError ? new Problem("bad-gateway") : error;
    }
  }

  async answer(path: string, call: PeerCall): Promise<unknown> {
    switch (path) {
      case FORWARD_PATH:
        return this.#receiver.forward(call);
      case WANTED_PATH:
        return this.#receiver.wanted(call);
      case PEER_VIEWERS_PATH:
        return this.#receiver.viewers(call);
      default:
        throw new Problem("not-found");
    }
  }

  /** Calls without signatures: those have their own tests. */
  #client(from: string): InternalClient {
    const { network, verdict } = this.#world;
    return {
      call: async (url, path, body, { timeoutMs, to = "" }) => {
        const place = this.#cluster.placeOf(url);
        if (place === undefined) throw new CallFailedError(`${url}: no such address`, true);
        try {
          return await network.call(this.node, place, timeoutMs, async () => {
            const process = this.#cluster.dispatcherAt(place);
            if (process === undefined) throw new CallError("nothing listens");
            return process.answer(path, { from, to, body: new TextEncoder().encode(body) });
          });
        } catch (error) {
          if (error instanceof Problem) throw error;
          if (!(error instanceof CallError))
            verdict.fail("crash", `${path} at ${url}: ${String(error)}`);
          throw new CallFailedError(`${url}: ${String(error)}`);
        }
      },
    };
  }
}

/** Data centres have lower-case names on the wire. */
function peerName({ name }: DatacenterView): string {
  return name.toLowerCase();
}

function toPeer(other: DatacenterView): Peer {
  return { name: peerName(other), urls: other.dispatcherPlaces.map(({ name }) => name) };
}

export function describe(events: readonly Event[]): string {
  return events.map((event) => `${event.topic}#${event.place?.seq ?? event.type}`).join(" ");
}
