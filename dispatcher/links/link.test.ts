/** What happens at each bound of a link, on a clock that the test moves. */

import { expect, test } from "bun:test";
import {
  DEFAULT_POLICY,
  type Event,
  type FrontendId,
  parseFrontendId,
  toJsonText,
  topicOf,
} from "@ovation/protocol";
import type { FrontendAddress } from "@ovation/table";
import { createManualClock } from "../../testing/manual-clock.ts";
import { encodeEvents } from "../event-codec.ts";
import * as limits from "./limits.ts";
import { DRAIN_MS_MAX, Link, type LinkEvents } from "./link.ts";
import { NetworkLinks } from "./links-network.ts";

const frontend = { id: parseFrontendId("frontend1") as FrontendId, url: "http://127.0.0.1:1" };
const topic = topicOf("video", "1");
const goal = (at: number, text = ""): Event => ({
  topic,
  type: "goal",
  at,
  data: toJsonText(text),
});
const comment = (seq: number, text = ""): Event => ({
  ...goal(seq, text),
  type: "comment",
  place: { seq, epoch: "e", stamp: seq },
});
const goals = (count: number, text = "") =>
  Array.from({ length: count }, (_, index) => goal(index, text));

function open(connects = true) {
  const clock = createManualClock(0);
  const gone: FrontendId[] = [];
  const connections: { readonly events: LinkEvents; readonly sent: string[]; closed: number }[] =
    [];
  const options = {
    policy: DEFAULT_POLICY,
    clock,
    random: () => 1,
    soon: (run: () => void) => void clock.after(0, run),
    onGone: (id: FrontendId) => void gone.push(id),
    connect(_: unknown, events: LinkEvents) {
      const connection = { events, sent: [] as string[], closed: 0 };
      connections.push(connection);
      if (connects) clock.after(1, () => events.message(limits.formatFresh(1e9)));
      return {
        send: (message: string) => void connection.sent.push(message),
        close: (code: number) => {
          connection.closed = code;
        },
      };
    },
  };
  return { clock, gone, options, connections, latest: () => connections.at(-1) };
}

function linked(connects = true) {
  const opened = open(connects);
  const link = new Link({ ...opened.options, frontend, encode: encodeEvents, held: { bytes: 0 } });
  const eventsIn = (message = "") => message.split("\n").length >> 1;
  return { ...opened, link, eventsIn };
}

test("LINK_BATCHES_UNACKNOWLEDGED_MAX: what follows waits until one is acknowledged", async () => {
  const { clock, link, latest } = linked();
  await clock.advance(2);
  for (let batch = 0; batch < limits.LINK_BATCHES_UNACKNOWLEDGED_MAX + 3; batch++) {
    link.send([goal(batch)]);
    await clock.advance(1);
  }
  expect(latest()?.sent).toHaveLength(limits.LINK_BATCHES_UNACKNOWLEDGED_MAX);
  expect(link.stats().waiting).toBe(3);
  latest()?.events.message("1");
  // What waited leaves as one.
  expect(latest()?.sent).toHaveLength(limits.LINK_BATCHES_UNACKNOWLEDGED_MAX + 1);
  expect(link.stats()).toMatchObject({ waiting: 0, sent: 1 });
});

test("LINK_BATCH_EVENTS_MAX and LINK_BATCH_BYTES_MAX: more leaves as several batches", async () => {
  const { clock, link, latest, eventsIn } = linked();
  await clock.advance(2);
  link.send(goals(limits.LINK_BATCH_EVENTS_MAX + 1));
  await clock.advance(1);
  const counts = latest()?.sent.map(eventsIn) ?? [];
  expect(counts).toHaveLength(2);
  expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(limits.LINK_BATCH_EVENTS_MAX + 1);
  expect(Math.max(...counts)).toBeLessThanOrEqual(limits.LINK_BATCH_EVENTS_MAX);
  const large = "x".repeat(10_000);
  const count = Math.ceil(limits.LINK_BATCH_BYTES_MAX / large.length) + 2;
  link.send(goals(count, large));
  await clock.advance(1);
  const [, , first = "", second = ""] = latest()?.sent ?? [];
  expect(first.length).toBeLessThanOrEqual(limits.LINK_BATCH_BYTES_MAX);
  expect(eventsIn(first) + eventsIn(second)).toBe(count);
});

test("LINK_WAITING_DURABLE_EVENTS_MAX, …_BYTES_MAX: the oldest durable events are dropped", () => {
  const { link } = linked(false);
  const sent = limits.LINK_WAITING_DURABLE_EVENTS_MAX + 10;
  link.send(Array.from({ length: sent }, (_, index) => comment(index + 1)));
  expect(link.stats()).toMatchObject({
    waiting: limits.LINK_WAITING_DURABLE_EVENTS_MAX,
    durable: { droppedFull: 10 },
  });
  const other = linked(false).link;
  const text = "x".repeat(60_000);
  const many = Math.ceil(limits.LINK_WAITING_DURABLE_BYTES_MAX / text.length) + 5;
  other.send(Array.from({ length: many }, (_, index) => comment(index + 1, text)));
  expect(other.stats().waitingBytes).toBeLessThanOrEqual(limits.LINK_WAITING_DURABLE_BYTES_MAX);
  expect(other.stats().durable.droppedFull).toBeGreaterThan(0);
});

test("LINK_CONNECT_MS_MAX: a silent connection is replaced by another one", async () => {
  const { clock, connections } = linked(false);
  await clock.advance(limits.LINK_CONNECT_MS_MAX - 1);
  expect(connections).toHaveLength(1);
  await clock.advance(1 + limits.LINK_RECONNECT_MS_FIRST);
  expect(connections).toHaveLength(2);
  expect(connections[0]?.closed).toBe(limits.LINK_CLOSE_LOST);
});

test("LINK_RECONNECT_MS_MAX: the waits between attempts double up to it", async () => {
  const { clock, connections } = linked(false);
  const at: number[] = [];
  for (let attempt = 0; attempt < 8; attempt++) {
    const before = connections.length;
    connections.at(-1)?.events.closed("refused");
    const from = clock.now();
    while (connections.length === before) await clock.advance(1);
    at.push(clock.now() - from);
  }
  expect(at[0]).toBe(limits.LINK_RECONNECT_MS_FIRST);
  expect(Math.max(...at)).toBe(limits.LINK_RECONNECT_MS_MAX);
  expect(at.at(-1)).toBe(limits.LINK_RECONNECT_MS_MAX);
});

test("a frontend whose link broke is gone at each refusal of the next one", async () => {
  const { clock, gone, latest, connections } = linked();
  await clock.advance(2);
  // A link that breaks and opens again says nothing of the process.
  latest()?.events.closed("closed 1006");
  await clock.advance(limits.LINK_RECONNECT_MS_FIRST + 2);
  expect([connections.length, gone]).toEqual([2, []]);
  latest()?.events.closed("closed 1006");
  await clock.advance(limits.LINK_RECONNECT_MS_FIRST);
  expect([connections.length, gone]).toEqual([3, []]);
  latest()?.events.closed("refused");
  expect(gone).toEqual([frontend.id]);
  await clock.advance(2 * limits.LINK_RECONNECT_MS_FIRST);
  latest()?.events.closed("refused");
  expect(gone).toEqual([frontend.id, frontend.id]);
});

test("a frontend that does not answer, or never answered, is not known to be gone", async () => {
  const { clock, gone, connections, latest } = linked(false);
  await clock.advance(1);
  latest()?.events.closed("refused");
  expect(gone).toEqual([]);
  await clock.advance(limits.LINK_RECONNECT_MS_FIRST);
  latest()?.events.message(limits.formatFresh(0));
  latest()?.events.closed("closed 1006");
  await clock.advance(limits.LINK_RECONNECT_MS_FIRST + limits.LINK_CONNECT_MS_MAX);
  expect([connections.length, gone]).toEqual([3, []]);
});

test("LINK_GONE_MS_MAX: refusals are told for so long after a link broke", async () => {
  const { clock, gone, connections, latest } = linked(false);
  latest()?.events.message(limits.formatFresh(0));
  latest()?.events.closed("closed 1006");
  const brokenAt = clock.now();
  let told = 0;
  while (clock.now() < brokenAt + 2 * limits.LINK_GONE_MS_MAX) {
    const before = connections.length;
    while (connections.length === before) await clock.advance(1);
    latest()?.events.closed("refused");
    if (clock.now() <= brokenAt + limits.LINK_GONE_MS_MAX) told++;
    expect(gone).toHaveLength(told);
  }
  expect(told).toBeGreaterThan(3);
});

test("LINK_WAIT_MS_MAX: events that waited longer are dropped at the next attempt", async () => {
  const { clock, link, connections } = linked(false);
  link.send([goal(1), comment(1)]);
  await clock.advance(limits.LINK_WAIT_MS_MAX - 10);
  link.send([goal(2)]);
  await clock.advance(20);
  connections.at(-1)?.events.closed("refused");
  await clock.advance(limits.LINK_RECONNECT_MS_MAX);
  expect(link.stats()).toMatchObject({
    waiting: 1,
    droppedAway: 2,
    durable: { droppedAway: 1 },
  });
});

test("LINK_ACKNOWLEDGE_MS_MAX: a batch without acknowledgement ends the link", async () => {
  const { clock, link, connections } = linked();
  await clock.advance(2);
  link.send([goal(1), comment(1)]);
  await clock.advance(limits.LINK_ACKNOWLEDGE_MS_MAX - limits.LINK_HEARTBEAT_MS);
  expect(link.stats().lostInFlight).toBe(0);
  await clock.advance(2 * limits.LINK_HEARTBEAT_MS + 10);
  expect(connections[0]?.closed).toBe(limits.LINK_CLOSE_LOST);
  expect(link.stats()).toMatchObject({ lostInFlight: 2, durable: { lostInFlight: 1 } });
});

test("LINK_IDLE_MS_MAX: a link that nothing was sent on is closed and forgotten", async () => {
  const { clock, options, connections } = open();
  const links = new NetworkLinks(options);
  links.send(frontend, [goal(1)]);
  await clock.advance(5);
  for (let count = 1; clock.now() < 1.5 * limits.LINK_IDLE_MS_MAX; ) {
    connections[0]?.events.message(String(count));
    if (connections[0]?.sent.length !== count) count++;
    await clock.advance(1000);
  }
  expect(links.stats()).toMatchObject({ links: 0, open: 0 });
});

function frontendAt(index: number): FrontendAddress {
  const id = parseFrontendId(`f${index.toString(36).padStart(8, "0")}`) as FrontendId;
  return { id, url: `http://127.0.0.1:${index + 1}` };
}

test("LINKS_MAX: as many frontends have links", async () => {
  const { options } = open(false);
  const links = new NetworkLinks(options);
  for (let index = 0; index < limits.LINKS_MAX; index++) links.send(frontendAt(index), [goal(1)]);
  expect(links.stats()).toMatchObject({ links: limits.LINKS_MAX, evicted: 0, droppedFull: 0 });
  links.send(frontendAt(limits.LINKS_MAX), [goal(1)]);
  expect(links.stats()).toMatchObject({ links: limits.LINKS_MAX, evicted: 1 });
});

test("over the bound the link unused for longest is closed, not one with events", async () => {
  const { clock, options, connections } = open();
  const reached: string[] = [];
  const onLimit = (bound: string) => void reached.push(bound);
  const links = new NetworkLinks({ ...options, linksMax: 10, onLimit });
  const slow = frontendAt(0);
  links.send(slow, [goal(1)]);
  await clock.advance(2);
  // Its frontend does not acknowledge: the link holds events.
  for (let batch = 0; batch < 20; batch++) {
    links.send(slow, [comment(batch + 1)]);
    await clock.advance(1);
  }
  for (let index = 1; index <= 10; index++) {
    links.send(frontendAt(index), [goal(1)]);
    await clock.advance(2);
  }
  expect(links.stats()).toMatchObject({ links: 10, evicted: 1, droppedFull: 0, droppedAway: 0 });
  expect(connections.map(({ closed }) => closed !== 0).indexOf(true)).toBe(1);
  expect(connections.at(-1)?.sent).toHaveLength(1);
  expect(reached).toEqual(["links"]);
  // It is linked again when it gets an event.
  links.send(frontendAt(1), [goal(2)]);
  expect(links.stats()).toMatchObject({ links: 10, evicted: 2 });
});

test("LINKS_WAITING_BYTES_MAX: the link that holds most drops its oldest events", async () => {
  const { clock, options } = open(false);
  const reached: string[] = [];
  const links = new NetworkLinks({ ...options, onLimit: (bound) => reached.push(bound) });
  const large = "x".repeat(60_000);
  const events = Array.from({ length: 200 }, (_, at) => ({ ...goal(at), data: toJsonText(large) }));
  const light = frontendAt(99);
  links.send(light, [goal(1), goal(2)]);
  let dropped = 0;
  for (let index = 0; index < 30; index++) dropped += links.send(frontendAt(index), events);
  const { shed, droppedFull, waitingBytes } = links.stats();
  expect(waitingBytes).toBeLessThanOrEqual(limits.LINKS_WAITING_BYTES_MAX);
  expect(waitingBytes).toBeGreaterThan(limits.LINKS_WAITING_BYTES_MAX * 0.9);
  expect(shed).toBeGreaterThan(0);
  // Each one frees more than the excess.
  expect(shed).toBeLessThan(30);
  expect(dropped).toBe(droppedFull);
  expect(new Set(reached)).toEqual(new Set(["bytes"]));
  await clock.advance(1);
  await links.close();
}, 20_000);

test("LINK_AWAY_MS_MAX: the link of a frontend that has died is closed soon", async () => {
  const { clock, options, connections } = open(false);
  const links = new NetworkLinks(options);
  links.send(frontend, [goal(1)]);
  connections[0]?.events.message(limits.formatFresh(1e9));
  await clock.advance(2);
  connections[0]?.events.message("1");
  connections[0]?.events.closed("gone");
  for (let ms = 0; ms < limits.LINK_AWAY_MS_MAX + 2 * limits.LINK_SWEEP_MS; ms += 100) {
    await clock.advance(100);
    for (const { events } of connections.slice(1)) events.closed("refused");
  }
  expect(links.stats().links).toBe(0);
});

test("DRAIN_MS_MAX: a drain waits so long for acknowledgements", async () => {
  for (const acknowledges of [false, true]) {
    const { clock, link, latest } = linked();
    await clock.advance(2);
    link.send([goal(1)]);
    await clock.advance(1);
    let isDrained = false;
    void link.drain().then(() => {
      isDrained = true;
    });
    if (acknowledges) latest()?.events.message("1");
    await clock.advance(DRAIN_MS_MAX - 1);
    expect(isDrained).toBe(acknowledges);
    await clock.advance(20);
    expect(isDrained).toBe(true);
    link.close();
  }
});
