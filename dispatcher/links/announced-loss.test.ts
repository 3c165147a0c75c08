/**
 * What is dropped between a publisher and a viewer is announced: over a link and over a peer data
 * centre, what a viewer received and what `gap` events say was lost add up to what was sent.
 */

import { afterEach, expect, test } from "bun:test";
import type { Frontend } from "@ovation/frontend";
import { DEFAULT_POLICY, type Event, systemClock, toJsonText, topicOf } from "@ovation/protocol";
import { ModelUpstream } from "../../frontend/testing/model-upstream.ts";
import { newFrontend } from "../../frontend/testing/new-frontend.ts";
import { Viewer } from "../../frontend/testing/viewer.ts";
import { startTcpProxy } from "../../testing/tcp-proxy.ts";
import { until } from "../../testing/until.ts";
import { createInternalClient } from "../internal/client.ts";
import { FORWARD_WAITING_EVENTS_MAX, formatPeerCaller } from "../peers/peer.ts";
import { createPeers } from "../peers/peers.ts";
import { createPeerRoutes } from "../peers/routes.ts";
import { startInternalDispatcher, testStores } from "../testing/internal-dispatcher.ts";
import { startInternalFrontend, testAuth } from "../testing/internal-frontend.ts";
import { LINK_WAITING_BYTES_MAX, LINK_WAITING_EVENTS_MAX } from "./limits.ts";
import { createWebSocketLinks } from "./links-websocket.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const topic = topicOf("video", "1");
const BATCH = 1000;

function goals(from: number, data = "1"): Event[] {
  return Array.from({ length: BATCH }, (_, index) => ({
    topic,
    type: "goal",
    at: from + index,
    data: toJsonText(data),
  }));
}

/** A frontend with one viewer, whose internal side is behind a network that can be broken. */
async function watched() {
  const frontend: Frontend = newFrontend(new ModelUpstream());
  frontend.start();
  cleanups.push(() => frontend.stop());
  const internal = startInternalFrontend({ inbox: frontend });
  cleanups.push(() => internal.listener.stop());
  const network = await startTcpProxy({ target: { port: internal.listener.port } });
  cleanups.push(() => network.stop());
  const viewer = new Viewer(frontend, [topic]);
  await until(() => viewer.connection.ready, "the viewer is there");
  const address = { id: internal.credential.id, url: `http://127.0.0.1:${network.port}` };
  return { viewer, network, address };
}

function accountOf(viewer: Viewer): { readonly received: number; readonly lost: number } {
  return {
    received: viewer.of("goal").length,
    lost: viewer.of("gap").reduce((sum, { fields }) => sum + fields.lost, 0),
  };
}

async function linked() {
  const here = await watched();
  const links = createWebSocketLinks({
    auth: testAuth(),
    from: "dispatcher one",
    policy: DEFAULT_POLICY,
    clock: systemClock,
  });
  cleanups.push(() => links.close());
  links.send(here.address, goals(0).slice(0, 1));
  await until(() => here.viewer.of("goal").length === 1, "the link is open");
  return { ...here, links };
}

test("over a full link, a viewer's events and its gaps add up to what was sent", async () => {
  const { viewer, network, address, links } = await linked();
  network.halfCut("there");
  let sent = 1;
  while (sent < 2 * LINK_WAITING_EVENTS_MAX) {
    links.send(address, goals(sent));
    sent += BATCH;
  }
  expect(links.stats().droppedFull).toBeGreaterThan(LINK_WAITING_EVENTS_MAX / 2);
  network.heal();
  await until(() => {
    const { received, lost } = accountOf(viewer);
    return received + lost >= sent;
  }, "all is accounted for");
  const { received, lost } = accountOf(viewer);
  expect(received + lost).toBe(sent);
  expect(lost).toBeGreaterThanOrEqual(links.stats().droppedFull);
}, 20_000);

test("over a link whose bytes are full, too", async () => {
  const { viewer, network, address, links } = await linked();
  network.halfCut("there");
  const data = "x".repeat(4000);
  let sent = 1;
  while (sent * data.length < 2 * LINK_WAITING_BYTES_MAX) {
    links.send(address, goals(sent, data));
    sent += BATCH;
  }
  expect(links.stats().droppedFull).toBeGreaterThan(0);
  expect(links.stats().waitingBytes).toBeLessThanOrEqual(LINK_WAITING_BYTES_MAX);
  network.heal();
  await until(() => {
    const { received, lost } = accountOf(viewer);
    return received + lost === sent;
  }, "all is accounted for");
}, 20_000);

test("events that expired for an unreachable frontend are announced when it is back", async () => {
  const { viewer, network, address, links } = await linked();
  network.cut();
  await until(() => links.stats().open === 0, "the link is lost");
  links.send(address, goals(1));
  await Bun.sleep(4500);
  network.heal();
  await until(() => accountOf(viewer).lost === BATCH, "the gap is there");
  expect(accountOf(viewer)).toEqual({ received: 1, lost: BATCH });
  expect(links.stats()).toMatchObject({ droppedAway: BATCH, waiting: 0 });
}, 20_000);

/** A dispatcher whose frontend has the viewer, and the way there from another data centre. */
async function peered(forwardTtlMs: number) {
  const { viewer, address } = await watched();
  const stores = testStores();
  await stores.table.renew(address, 600_000);
  await stores.table.change(address.id, [{ topic, subscribed: true, generation: 1 }]);
  const there = startInternalDispatcher(stores, {
    routes: (dispatcher, refusals) =>
      createPeerRoutes({
        auth: testAuth(),
        refusals,
        datacenter: "there",
        clock: systemClock,
        counts: stores.counts,
        table: stores.table,
        receive: (events) => dispatcher.receive(events),
        onFailure: () => undefined,
      }).routes,
  });
  cleanups.push(() => there.stop());
  const network = await startTcpProxy({ target: { port: there.listener.port } });
  cleanups.push(() => network.stop());
  const peers = createPeers({
    dispatcherId: "dispatcher1",
    peers: [{ name: "there", urls: [`http://127.0.0.1:${network.port}`] }],
    client: createInternalClient({
      auth: testAuth(),
      from: formatPeerCaller("here", "dispatcher1"),
    }),
    clock: systemClock,
    policy: DEFAULT_POLICY,
    forwardTtlMs,
  });
  cleanups.push(() => peers.close());
  peers.forward(goals(0).slice(0, 1));
  await until(() => viewer.of("goal").length === 1, "the first arrives");
  return { viewer, network, peers };
}

test("over a full peer, a viewer's events and its gaps add up to what was sent", async () => {
  const { viewer, network, peers } = await peered(60_000);
  network.cut();
  let sent = 1;
  while (sent < 1.5 * FORWARD_WAITING_EVENTS_MAX) {
    peers.forward(goals(sent));
    sent += BATCH;
  }
  await until(() => peers.stats()[0]?.up === false, "the peer is away");
  expect(peers.stats()[0]?.droppedFull).toBeGreaterThan(0);
  network.heal();
  await until(
    () => {
      const { received, lost } = accountOf(viewer);
      return received + lost >= sent;
    },
    "all is accounted for",
    20_000,
  );
  expect(accountOf(viewer).received + accountOf(viewer).lost).toBe(sent);
}, 30_000);

test("what waited for a peer for too long is announced when the peer is back", async () => {
  const { viewer, network, peers } = await peered(200);
  network.cut();
  peers.forward(goals(1));
  await until(() => peers.stats()[0]?.up === false, "the peer is away");
  await Bun.sleep(500);
  network.heal();
  await until(() => accountOf(viewer).lost === BATCH, "the gap is there", 15_000);
  expect(accountOf(viewer)).toEqual({ received: 1, lost: BATCH });
}, 20_000);
