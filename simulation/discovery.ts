/**
 * Service discovery: what a process sees of the cluster, and of the other processes. `cluster.ts`
 * is the one implementation; processes import only these interfaces.
 */

import type { Dispatcher, LinkIntake } from "@ovation/dispatcher";
import type { ConnectionChange, ConnectionChangeResult, Frontend } from "@ovation/frontend";
import type { FrontendId, JsonText, Topic } from "@ovation/protocol";
import type { Connection } from "./connection.ts";
import type { Node, Place } from "./node.ts";
import type { LogServer } from "./processes/log-server.ts";
import type { Store } from "./processes/store.ts";

/** A call of another process, without its signature: signatures have their own tests. */
export interface PeerCall {
  readonly from: string;
  readonly to: string;
  readonly body: Uint8Array;
}

export interface RunningDispatcher {
  readonly node: Node;
  readonly dispatcher: Dispatcher;
  /** The API for dispatchers of other data centres. */
  answer(path: string, call: PeerCall): Promise<unknown>;
}

export interface RunningFrontend {
  readonly node: Node;
  readonly frontend: Frontend;
  /** The frontend's end of its links. */
  readonly links: LinkIntake;
  changeHere(change: ConnectionChange): Promise<ConnectionChangeResult>;
}

export interface RunningComments {
  readonly node: Node;
  write(topic: Topic, type: string, data: JsonText, key: string): Promise<number>;
}

export interface DatacenterView {
  readonly name: string;
  readonly store: Store;
  readonly dispatcherPlaces: readonly Place[];
  dispatcherAt(place: Place): RunningDispatcher | undefined;
}

export interface Discovery {
  readonly datacenters: readonly DatacenterView[];
  readonly log: LogServer;
  readonly commentsPlaces: readonly Place[];
  /** Links between dispatchers and frontends that are open at one end at least. */
  readonly links: Set<Connection<unknown>>;
  /** By its name, which serves as its URL. */
  placeOf(url: string): Place | undefined;
  dispatcherAt(place: Place): RunningDispatcher | undefined;
  /** The process with this id, if it is alive. */
  frontendOf(id: FrontendId): RunningFrontend | undefined;
  processAt(node: Node): RunningFrontend | undefined;
  commentsAt(node: Node): RunningComments | undefined;
  /** A process died; `silently`: with its machine, so that no peer is notified. */
  died(node: Node, silently?: boolean): void;
}
