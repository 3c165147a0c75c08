/** Data centres over real sockets: dispatchers, a frontend in each, and the links between them. */

import {
  DEFAULT_POLICY,
  type Event,
  systemClock,
  type Topic,
  toJsonText,
  topicOf,
} from "@ovation/protocol";
import { MemorySharedStore, type SharedStore } from "@ovation/table";
import { startTcpProxy, type TcpProxy, type TcpProxyOptions } from "../../testing/tcp-proxy.ts";
import { createInternalClient } from "../internal/client.ts";
import { formatPeerCaller, type Peers } from "../peers/peer.ts";
import { createPeers } from "../peers/peers.ts";
import { createPeerRoutes, type PeerRoutes } from "../peers/routes.ts";
import {
  type InternalDispatcher,
  startInternalDispatcher,
  type TestStores,
  testStores,
} from "./internal-dispatcher.ts";
import { type InternalFrontend, startInternalFrontend, testAuth } from "./internal-frontend.ts";

const cleanups: (() => Promise<unknown>)[] = [];

/** For `afterEach`. */
export async function endDatacenters(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

export interface DispatcherHere extends InternalDispatcher {
  readonly peerRoutes: PeerRoutes;
}

export interface Datacenter {
  readonly name: string;
  readonly stores: TestStores;
  readonly shared: SharedStore;
  readonly frontend: InternalFrontend;
  dispatcher(): DispatcherHere;
}

export const topic = topicOf("video", "1");

export async function datacenter(
  name: string,
  topics: readonly Topic[] = [topic],
): Promise<Datacenter> {
  const stores = testStores();
  const shared = new MemorySharedStore(systemClock);
  const frontend = startInternalFrontend();
  cleanups.push(() => frontend.listener.stop());
  const { id } = frontend.credential;
  await stores.table.renew({ id, url: frontend.listener.url }, 600_000);
  await stores.table.change(
    id,
    topics.map((one) => ({ topic: one, subscribed: true, generation: 1 })),
  );
  return {
    name,
    stores,
    shared,
    frontend,
    dispatcher() {
      let peerRoutes: PeerRoutes | undefined;
      const started = startInternalDispatcher(stores, {
        routes(dispatcher, refusals) {
          peerRoutes = createPeerRoutes({
            auth: testAuth(),
            refusals,
            datacenter: name,
            clock: systemClock,
            counts: stores.counts,
            table: stores.table,
            shared,
            receive: (events) => dispatcher.receive(events),
            onFailure: () => undefined,
          });
          return peerRoutes.routes;
        },
        forward: (events) => forwards.get(name)?.forward(events),
      });
      cleanups.push(() => started.stop());
      return { ...started, peerRoutes: peerRoutes as PeerRoutes };
    },
  };
}

const forwards = new Map<string, Peers>();
let serial = 0;

export function peers(
  from: Datacenter,
  to: Datacenter,
  urls: readonly string[],
  forwardTtlMs = 5000,
  forward: "all" | "wanted" = "all",
): Peers {
  const dispatcherId = `dispatcher${++serial}`;
  const made = createPeers({
    dispatcherId,
    peers: [{ name: to.name, urls }],
    client: createInternalClient({
      auth: testAuth(),
      from: formatPeerCaller(from.name, dispatcherId),
    }),
    clock: systemClock,
    policy: DEFAULT_POLICY,
    random: () => 0,
    forwardTtlMs,
    forward,
  });
  forwards.set(from.name, made);
  cleanups.push(async () => {
    forwards.delete(from.name);
    await made.close();
  });
  return made;
}

export async function link(
  to: DispatcherHere,
  conditions: Partial<TcpProxyOptions> = {},
): Promise<TcpProxy & { readonly url: string }> {
  const proxy = await startTcpProxy({ target: { port: to.listener.port }, ...conditions });
  cleanups.push(() => proxy.stop());
  return Object.assign(proxy, { url: `http://127.0.0.1:${proxy.port}` });
}

export const goal = (at: number): Event => ({ topic, type: "goal", at, data: toJsonText({ at }) });
export const comment = (seq: number): Event => ({
  topic,
  type: "comment",
  at: seq,
  data: toJsonText({ seq }),
  place: { seq, epoch: "e", stamp: seq },
});
export const likes = (like: number, total: number): Event => ({
  topic,
  type: "likes",
  at: total,
  data: toJsonText({ like, total: { like: total } }),
});
