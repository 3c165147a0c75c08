import { afterEach, expect, test } from "bun:test";
import {
  type Clock,
  DEFAULT_POLICY,
  type Event,
  systemClock,
  toJsonText,
  topicOf,
} from "@ovation/protocol";
import type { FrontendAddress } from "@ovation/table";
import { startTcpProxy } from "../../testing/tcp-proxy.ts";
import { until } from "../../testing/until.ts";
import { encodeEvents } from "../event-codec.ts";
import {
  type InternalFrontend,
  startInternalFrontend,
  testAuth,
} from "../testing/internal-frontend.ts";
import { createFrontendCredential } from "./frontend-credential.ts";
import {
  formatFresh,
  LINK_MESSAGE_BYTES_MAX,
  LINK_PATH,
  LINK_WAITING_EVENTS_MAX,
} from "./limits.ts";
import type { FrontendLinks } from "./links.ts";
import { createWebSocketLinks } from "./links-websocket.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function frontend(options?: Parameters<typeof startInternalFrontend>[0]): InternalFrontend {
  const started = startInternalFrontend(options);
  cleanups.push(() => started.listener.stop());
  return started;
}

function links(clock: Clock = systemClock): FrontendLinks {
  const made = createWebSocketLinks({
    auth: testAuth(),
    from: "dispatcher one",
    policy: DEFAULT_POLICY,
    clock,
  });
  cleanups.push(() => made.close());
  return made;
}

/** Time-outs pass in a fraction of their time. */
const hastyClock: Clock = {
  now: () => Date.now() * 5,
  after: (ms, run) => systemClock.after(ms / 5, run),
};

const topic = topicOf("video", "1");
const goal = (at: number): Event => ({
  topic,
  type: "goal",
  at,
  data: toJsonText({ at, text: "tör — 得点" }),
});
const comment = (seq: number): Event => ({
  topic,
  type: "comment",
  at: seq,
  data: toJsonText({ text: "x" }),
  place: { seq, epoch: "e1", stamp: seq },
});
const addressOf = ({ credential, listener }: InternalFrontend): FrontendAddress => ({
  id: credential.id,
  url: listener.url,
});

test("events of both lanes arrive as they were sent, in order, and are counted", async () => {
  const one = frontend();
  const out = links();
  const events = Array.from({ length: 5000 }, (_, index) =>
    index % 3 === 0 ? comment(index + 1) : goal(index),
  );
  for (let start = 0; start < events.length; start += 7) {
    out.send(addressOf(one), events.slice(start, start + 7));
    if (start % 700 === 0) await Bun.sleep(1);
  }
  await until(() => one.received.length === events.length, "all arrive");
  expect(one.received).toEqual(events);
  await until(() => out.stats().sent === events.length, "all are acknowledged");
  expect(out.stats()).toMatchObject({
    open: 1,
    links: 1,
    droppedFull: 0,
    droppedAway: 0,
    lostInFlight: 0,
    waiting: 0,
    waitingBytes: 0,
  });
  expect(one.receiver.stats()).toMatchObject({ open: 1, events: events.length });
});

test("another incarnation of a frontend at the same URL gets no events of the first", async () => {
  const first = frontend();
  const out = links();
  out.send(addressOf(first), [goal(1)]);
  await until(() => first.received.length === 1, "the first event arrives");
  await first.listener.stop();
  const second = frontend({ port: first.listener.port });
  for (let at = 2; at < 50; at++) {
    out.send(addressOf(first), [goal(at)]);
    await Bun.sleep(5);
  }
  out.send(addressOf(second), [goal(100)]);
  await until(() => second.received.length > 0, "the second life's event arrives");
  expect(second.received).toEqual([goal(100)]);
  expect(second.refusals["earlier-life"]).toBeGreaterThan(0);
  expect(out.stats().waiting + out.stats().lostInFlight + out.stats().droppedAway).toBeGreaterThan(
    0,
  );
});

test("over cuts of the link, events come once and in order, and losses are counted", async () => {
  const one = frontend();
  const proxy = await startTcpProxy({
    target: { port: one.listener.port },
    delayMs: 2,
    jitterMs: 3,
  });
  cleanups.push(() => proxy.stop());
  const out = links();
  const address = { id: one.credential.id, url: `http://127.0.0.1:${proxy.port}` };
  const total = 1500;
  for (let at = 0; at < total; at++) {
    out.send(address, [goal(at)]);
    if (at % 250 === 200) proxy.reset();
    if (at % 5 === 0) await Bun.sleep(2);
  }
  await until(() => {
    const { sent, lostInFlight, droppedAway, waiting } = out.stats();
    return waiting === 0 && sent + lostInFlight + droppedAway === total;
  }, "nothing waits and the last one arrived or was lost");
  const ats = one.received.map(({ at }) => at);
  expect(ats).toEqual([...new Set(ats)].sort((left, right) => left - right));
  const { sent, lostInFlight, reconnects } = out.stats();
  expect(reconnects).toBeGreaterThanOrEqual(5);
  expect(one.receiver.stats().broken).toBeGreaterThanOrEqual(5);
  // A batch that was received but whose acknowledgement was lost counts as lost in flight.
  expect(one.received.length).toBeGreaterThanOrEqual(sent);
  expect(one.received.length).toBeLessThanOrEqual(sent + lostInFlight);
}, 20_000);

test("a frontend that stops reading costs a bounded buffer, and delays no other", async () => {
  const [stuck, well] = [frontend(), frontend()];
  const proxy = await startTcpProxy({ target: { port: stuck.listener.port } });
  cleanups.push(() => proxy.stop());
  const out = links();
  const address = { id: stuck.credential.id, url: `http://127.0.0.1:${proxy.port}` };
  out.send(address, [goal(0)]);
  await until(() => stuck.received.length === 1, "the link is open");
  proxy.halfCut("back");
  let liked = 0;
  for (let round = 0; round < 70; round++) {
    const batch = Array.from({ length: 1000 }, (_, index) => goal(round * 1000 + index + 1));
    out.send(address, batch);
    out.send(address, [
      { topic, type: "likes", at: round, data: toJsonText({ like: 1, total: { like: ++liked } }) },
    ]);
    if (round % 10 === 0) await Bun.sleep(1);
  }
  out.send(addressOf(well), [goal(7)]);
  await until(() => well.received.length === 1, "the other frontend gets its event");
  const { waiting, droppedFull, merged } = out.stats();
  expect(waiting).toBeLessThanOrEqual(LINK_WAITING_EVENTS_MAX);
  expect(droppedFull).toBeGreaterThan(0);
  expect(merged).toBeGreaterThan(0);
  proxy.heal();
  await until(
    () => out.stats().waiting === 0 && stuck.received.some(({ at }) => at === 70_000),
    "what was kept arrives",
  );
}, 20_000);

test("a link without acknowledgements is replaced", async () => {
  const one = frontend();
  const proxy = await startTcpProxy({ target: { port: one.listener.port } });
  cleanups.push(() => proxy.stop());
  const out = links(hastyClock);
  const address = { id: one.credential.id, url: `http://127.0.0.1:${proxy.port}` };
  out.send(address, [goal(1)]);
  await until(() => one.received.length === 1, "the link is open");
  proxy.halfCut("both");
  out.send(address, [goal(2)]);
  await until(() => out.stats().lostInFlight === 1, "the link is given up", 15_000);
  proxy.heal();
  proxy.reset();
  await until(() => {
    out.send(address, [goal(3)]);
    return one.received.at(-1)?.at === 3;
  }, "a new link works");
}, 30_000);

test("unsigned, forged, replayed and foreign links are refused and counted", async () => {
  const one = frontend();
  const url = `${one.listener.url.replace("http", "ws")}${LINK_PATH}`;
  const connect = async (headers: Record<string, string>): Promise<boolean> => {
    const socket = new WebSocket(url, { headers } as unknown as string[]);
    return new Promise((resolve) => {
      socket.onopen = () => {
        socket.close();
        resolve(true);
      };
      socket.onclose = () => resolve(false);
      socket.onerror = () => undefined;
    });
  };
  const sign = (from: string, to: string, secret?: string) =>
    testAuth(secret).sign({ method: "GET", path: LINK_PATH, from, to, body: "" });
  const good = sign("dispatcher x", one.credential.id);
  expect(await connect(good)).toBe(true);
  expect(await connect(good)).toBe(false);
  expect(await connect({})).toBe(false);
  expect(
    await connect(sign("dispatcher x", one.credential.id, "not the secret of these tests")),
  ).toBe(false);
  expect(await connect(sign("dispatcher x", createFrontendCredential().id))).toBe(false);
  expect(await connect(sign("frontend x", one.credential.id))).toBe(false);
  expect(one.refusals).toMatchObject({
    replayed: 1,
    unsigned: 1,
    forged: 1,
    "not-the-caller": 1,
    "earlier-life": 1,
  });
  const plain = await fetch(one.listener.url + LINK_PATH);
  expect(plain.status).toBe(401);
  expect(one.received).toEqual([]);
});

test("a malformed or oversized batch ends the link, is counted, and not taken", async () => {
  const one = frontend();
  const url = `${one.listener.url.replace("http", "ws")}${LINK_PATH}`;
  const send = async (batch: string | Uint8Array<ArrayBuffer>): Promise<number> => {
    const headers = testAuth().sign({
      method: "GET",
      path: LINK_PATH,
      from: "dispatcher x",
      to: one.credential.id,
      body: "",
    });
    const socket = new WebSocket(url, { headers } as unknown as string[]);
    return new Promise((resolve) => {
      socket.onopen = () => socket.send(batch);
      socket.onclose = ({ code }) => resolve(code);
      socket.onerror = () => undefined;
    });
  };
  const good = encodeEvents([goal(1)]);
  expect(await send(`${good}video:1 goal\n{}\n`)).toBe(1007);
  expect(await send(new Uint8Array([1, 2, 3]))).toBe(1007);
  expect(await send(good.repeat(10_000))).toBe(1007);
  expect(await send("x".repeat(LINK_MESSAGE_BYTES_MAX))).toBe(1007);
  expect(one.refusals.oversized).toBe(0);
  await send("x".repeat(LINK_MESSAGE_BYTES_MAX + 1));
  await until(() => one.refusals.oversized === 1, "the oversized one is counted");
  expect(one.refusals.malformed).toBe(4);
  expect(one.received).toEqual([]);
});

test("an invalid acknowledgement ends the link, and no event counts as taken", async () => {
  for (const answer of [
    "9",
    "1000000000",
    "-1",
    "0",
    "1.5",
    "x",
    "",
    "1 ",
    "fresh",
    "fresh x",
    new Uint8Array([49]),
  ]) {
    let messages = 0;
    const impostor = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request, server) {
        return server.upgrade(request) ? undefined : new Response("no");
      },
      websocket: {
        open: (socket) => void socket.send(formatFresh(1000)),
        message(socket) {
          messages++;
          socket.send(answer);
        },
      },
    });
    const out = links();
    out.send({ id: createFrontendCredential().id, url: `http://127.0.0.1:${impostor.port}` }, [
      goal(1),
      comment(1),
    ]);
    await until(() => out.stats().lostInFlight === 2, `the link ends after ${String(answer)}`);
    expect(out.stats()).toMatchObject({ sent: 0, durable: { sent: 0, lostInFlight: 1 } });
    expect(messages).toBe(1);
    await Promise.all([out.close(), impostor.stop(true)]);
  }
});

test("an idle link is acknowledged at once, a busy one for several batches", async () => {
  const one = frontend();
  const headers = testAuth().sign({
    method: "GET",
    path: LINK_PATH,
    from: "dispatcher x",
    to: one.credential.id,
    body: "",
  });
  const socket = new WebSocket(`${one.listener.url.replace("http", "ws")}${LINK_PATH}`, {
    headers,
  } as unknown as string[]);
  const answers: unknown[] = [];
  socket.onmessage = ({ data }) => answers.push(data);
  // The first message: no viewer was admitted yet, so no pending event is stale.
  await until(() => answers.length === 1, "the link is open");
  expect(answers.shift()).toBe(`fresh ${Number.MAX_SAFE_INTEGER}`);
  const sendBatches = (count: number) => {
    for (let batch = 0; batch < count; batch++) socket.send(encodeEvents([goal(batch)]));
  };
  sendBatches(1);
  await until(() => answers.at(-1) === "1", "the first is acknowledged");
  await Bun.sleep(20);
  sendBatches(11);
  await until(() => answers.at(-1) === "12", "all are acknowledged");
  // On a machine that is held up between them: a few more than 1, 2, 6, 10, 12.
  expect(answers.length).toBeLessThan(9);
  expect(answers).toEqual(
    [...new Set(answers.map(Number))].sort((left, right) => left - right).map(String),
  );
  socket.close();
});
