import { afterEach, expect, test } from "bun:test";
import { systemClock } from "@ovation/protocol";
import { startTcpProxy } from "../../testing/tcp-proxy.ts";
import { until } from "../../testing/until.ts";
import { createInternalClient } from "../internal/client.ts";
import { startInternalDispatcher, testStores } from "../testing/internal-dispatcher.ts";
import { testAuth } from "../testing/internal-frontend.ts";
import { PeerDirectory, RETRY_MS_MAX } from "./directory.ts";
import { formatPeerCaller, type Peer, type PeerUrls } from "./peer.ts";
import { createPeerRoutes } from "./routes.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function dispatcherIn(datacenter: string) {
  const stores = testStores();
  const started = startInternalDispatcher(stores, {
    routes: (dispatcher, refusals) =>
      createPeerRoutes({
        auth: testAuth(),
        refusals,
        datacenter,
        clock: systemClock,
        counts: stores.counts,
        table: stores.table,
        receive: (events) => dispatcher.receive(events),
        onFailure: () => undefined,
      }).routes,
  });
  cleanups.push(() => started.stop());
  return started;
}

function directory(peers: readonly PeerUrls[], secret?: string) {
  const known: Peer[] = [];
  const answers: string[] = [];
  const auth = testAuth(secret);
  const made = new PeerDirectory({
    datacenter: "here",
    peers,
    client: createInternalClient({ auth, from: formatPeerCaller("here", "dispatcher1") }),
    clock: systemClock,
    onKnown: (peer) => known.push(peer),
    onAnswer: (url, answer) =>
      answers.push(`${url} ${"error" in answer ? "error" : answer.datacenter}`),
  });
  cleanups.push(() => made.close());
  return { known, answers };
}

test("data centres that are named are known at once, and those of one name are one", () => {
  const { known } = directory([
    { name: "east", urls: ["http://a:1"] },
    { name: "west", urls: ["http://b:1"] },
    { name: "east", urls: ["http://a:2", "http://a:1"] },
  ]);
  expect(known).toEqual([
    { name: "east", urls: ["http://a:1", "http://a:2"] },
    { name: "west", urls: ["http://b:1"] },
  ]);
});

test("URLs without a name are asked for it: two of one are one peer, our own is none", async () => {
  const [first, second, own] = [
    dispatcherIn("east"),
    dispatcherIn("east"),
    dispatcherIn("here"),
  ].map(({ listener }) => listener.url);
  const { known, answers } = directory([
    { name: undefined, urls: [first ?? "", second ?? "", own ?? ""] },
  ]);
  await until(() => answers.length === 3, "all have answered");
  expect(known.map(({ name, urls }) => ({ name, urls: [...urls].sort() }))).toEqual([
    { name: "east", urls: [first ?? "", second ?? ""].sort() },
  ]);
});

test("an address that does not answer is asked again until it does", async () => {
  const { listener } = dispatcherIn("east");
  const proxy = await startTcpProxy({ target: { port: listener.port } });
  cleanups.push(() => proxy.stop());
  proxy.cut();
  const url = `http://127.0.0.1:${proxy.port}`;
  const { known, answers } = directory([{ name: undefined, urls: [url] }]);
  await until(() => answers.length === 1, "it does not answer");
  expect({ known, answers }).toEqual({ known: [], answers: [`${url} error`] });
  proxy.heal();
  await until(() => known.length === 1, "it answers");
  expect(known).toEqual([{ name: "east", urls: [url] }]);
});

test("RETRY_MS_MAX: the backoff for a silent URL grows up to it, and no further", async () => {
  const proxy = await startTcpProxy({ target: { port: 1 } });
  cleanups.push(() => proxy.stop());
  proxy.cut();
  const waits: number[] = [];
  const made = new PeerDirectory({
    datacenter: "here",
    peers: [{ name: undefined, urls: [`http://127.0.0.1:${proxy.port}`] }],
    client: createInternalClient({
      auth: testAuth(),
      from: formatPeerCaller("here", "dispatcher1"),
    }),
    clock: {
      now: () => Date.now(),
      after(ms, run) {
        waits.push(ms);
        if (waits.length < 14) setImmediate(run);
        return () => undefined;
      },
    },
    random: () => 1,
    onKnown: () => undefined,
  });
  cleanups.push(() => made.close());
  await until(() => waits.length === 14, "it was asked often");
  expect(waits).toEqual(waits.toSorted((a, b) => a - b));
  expect(waits[0]).toBeLessThan(RETRY_MS_MAX / 10);
  expect(waits.slice(-5)).toEqual(Array.from({ length: 5 }, () => RETRY_MS_MAX));
});

test("a caller without the secret does not get the name", async () => {
  const { listener, refusals } = dispatcherIn("east");
  const { known, answers } = directory(
    [{ name: undefined, urls: [listener.url] }],
    "another secret, of thirty-two characters or more",
  );
  await until(() => answers.length === 1, "it is refused");
  expect({ known, forged: refusals.forged > 0 }).toEqual({ known: [], forged: true });
});
