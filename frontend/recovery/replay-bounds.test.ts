/** What clients that request much, or read nothing, cost the viewers that return. */

import { describe, expect, test } from "bun:test";
import { markOf, parsePosition } from "@ovation/protocol";
import { until } from "../../testing/until.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { runningFrontends } from "../testing/running-frontends.ts";
import { Viewer } from "../testing/viewer.ts";
import { DEFAULT_REPLAY } from "./replay-budget.ts";

const startFrontend = runningFrontends();
const video = topic("video:42");

function fill(upstream: ModelUpstream, events: number, name = video): void {
  for (let count = 1; count <= events; count++)
    upstream.append(name, `comment ${count} ${"x".repeat(150)}`, { deliver: false });
}

/** A viewer that has everything, so that its id is a position at the head. */
async function atHead(frontend: ReturnType<typeof startFrontend>, names = [video]) {
  const viewer = new Viewer(frontend, names);
  await until(() => viewer.connection.ready);
  frontend.closed(viewer.connection, "left");
  return viewer;
}

describe("2,000 connections that ask for everything and read nothing", () => {
  for (const address of ["10.0.0.1", "10.0.0.2"]) {
    test(`do not keep a viewer at ${address} from the 50 that it missed`, async () => {
      const upstream = new ModelUpstream();
      const frontend = startFrontend(upstream, { lingerMs: 60_000 });
      fill(upstream, 4000);
      const left = await atHead(frontend);
      const before = upstream.append(video, "before");
      expect(before.place.seq).toBe(4001);
      for (let count = 0; count < 49; count++) upstream.append(video, `missed ${count}`);
      await until(() => frontend.hub.channel(video)?.batched.seq === 4050);
      const request = { lastEventId: beginning(), address: "10.0.0.1", deaf: true };
      const hostile = Array.from({ length: 2000 }, () => new Viewer(frontend, [video], request));
      await until(() => hostile.some(({ connection }) => connection.pendingSince > 0));
      const began = performance.now();
      const back = new Viewer(frontend, [video], { lastEventId: left.lastEventId, address });
      await until(() => back.connection.ready);
      expect(performance.now() - began).toBeLessThan(1000);
      expect(back.received[0]?.fields.topics[video]).toEqual({ head: 4050, recovered: true });
      expect(back.seqs(video)).toEqual(Array.from({ length: 50 }, (_, index) => 4001 + index));
    }, 30_000);
  }
});

function beginning(): string {
  return `1~~~~${markOf(video)}.0.`;
}

describe("one request", () => {
  test("gets `recovered: false` past its bound; smaller topics are whole", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream, {
      replay: { ...DEFAULT_REPLAY, eventsPerRequest: 100 },
    });
    const other = topic("video:7");
    fill(upstream, 90);
    fill(upstream, 20, other);
    const back = new Viewer(frontend, [video, other], {
      lastEventId: `1~~~~${markOf(video)}.0.~${markOf(other)}.0.`,
    });
    await until(() => back.connection.ready);
    expect(back.received[0]?.fields.topics).toEqual({
      [video]: { head: 90, recovered: false },
      [other]: { head: 20, recovered: true },
    });
    expect(back.seqs(other).length).toBe(20);
    upstream.append(video, "later");
    await until(() => back.seqs(video).length > 0);
    expect(back.seqs(video)).toEqual([91]);
  });

  test("that missed too much is not looked up in the log", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream, {
      replay: { ...DEFAULT_REPLAY, eventsPerRequest: 10 },
    });
    fill(upstream, 50);
    const reads = upstream.calls.read;
    const back = new Viewer(frontend, [video], { lastEventId: beginning() });
    await until(() => back.connection.ready);
    expect(upstream.calls.read).toBe(reads);
  });

  test("past its bytes has to reconnect, and continues at its position", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream, {
      replay: { ...DEFAULT_REPLAY, bytesPerRequest: 50_000 },
    });
    fill(upstream, 1000);
    let lastEventId = beginning();
    const seqs: (number | undefined)[] = [];
    let requests = 0;
    for (; seqs.length < 1000; requests++) {
      const back = new Viewer(frontend, [video], { lastEventId });
      await until(() => back.connection.ready || back.ended);
      expect(back.received[0]?.fields.topics[video]?.recovered).toBe(true);
      seqs.push(...back.seqs(video));
      ({ lastEventId } = back);
      if (back.ended) expect(back.of("reconnect")[0]?.data).toMatchObject({ reason: "behind" });
    }
    expect(seqs).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
    expect(requests).toBeGreaterThan(2);
  });

  test("that names 100 topics costs the bytes of those that moved", async () => {
    const upstream = new ModelUpstream();
    const frontend = startFrontend(upstream);
    await until(() => upstream.calls.report > 1);
    fill(upstream, 1000);
    const named = (viewer: number) => [
      video,
      ...Array.from({ length: 99 }, (_, index) => topic(`video:empty${viewer}-${index}`)),
    ];
    const one = new Viewer(frontend, [video], { lastEventId: beginning() });
    await until(() => one.connection.ready);
    // Each with topics that no viewer had before.
    const many = Array.from({ length: 10 }, (_, viewer) => {
      const names = named(viewer);
      const lists = names.map((name) => `${markOf(name)}.0.`).join("~");
      return new Viewer(frontend, names, { lastEventId: `1~~~~${lists}` });
    });
    await until(() => many.every(({ connection }) => connection.ready));
    for (const viewer of many) {
      expect(viewer.seqs(video).length).toBe(1000);
      expect(viewer.bytes).toBeLessThan(one.bytes * 1.3);
    }
    // The same bytes, not a copy of them for each.
    const pages = new Set(
      many.flatMap(({ parts }) => parts.filter(({ length }) => length > 10_000)),
    );
    expect(pages.size).toBe(5);
  });
});

test("an address past its bytes gets `recovered: false`; another one is whole", async () => {
  const upstream = new ModelUpstream();
  const frontend = startFrontend(upstream, {
    replay: { ...DEFAULT_REPLAY, bytesPerAddress: 300_000 },
  });
  fill(upstream, 1000);
  const ask = async (address: string) => {
    const back = new Viewer(frontend, [video], { lastEventId: beginning(), address });
    await until(() => back.connection.ready);
    return back.received[0]?.fields.topics[video]?.recovered;
  };
  expect([await ask("10.0.0.1"), await ask("10.0.0.1"), await ask("10.0.0.2")]).toEqual([
    true,
    false,
    true,
  ]);
});

test("a slow viewer that is too far behind comes back and is told so", async () => {
  const upstream = new ModelUpstream();
  const frontend = startFrontend(upstream, {
    replay: { ...DEFAULT_REPLAY, eventsPerRequest: 20 },
  });
  const slow = new Viewer(frontend, [video]);
  await until(() => slow.connection.ready);
  slow.stall();
  for (let count = 0; count < 200; count++) {
    upstream.append(video, "x".repeat(8000));
    await until(() => frontend.hub.channel(video)?.batched.seq === count + 1);
  }
  slow.drain();
  await until(() => slow.ended);
  expect(frontend.counters.closes["behind"]).toBe(1);
  const back = new Viewer(frontend, [video], { lastEventId: slow.lastEventId });
  await until(() => back.connection.ready);
  expect(back.received[0]?.fields.topics[video]).toEqual({ head: 200, recovered: false });
});

test("a cut at any frame of a replay of several topics loses nothing", async () => {
  const upstream = new ModelUpstream();
  const frontend = startFrontend(upstream);
  await until(() => upstream.calls.report > 1);
  const others = [topic("video:7"), topic("video:8")] as const;
  const stays = new Viewer(frontend, [video, ...others]);
  await until(() => stays.connection.ready);
  for (const name of others) upstream.append(name, 1);
  await until(() => stays.of("comment").length === 2);
  fill(upstream, 30);
  const [first] = others;
  const left = await atHead(frontend, [...others]);
  const at = parsePosition(left.lastEventId)?.topics;
  expect(at?.size).toBe(2);
  const back = new Viewer(frontend, [video, ...others], {
    lastEventId: `${left.lastEventId}~${markOf(video)}.0.`,
  });
  await until(() => back.seqs(video).length === 30);
  upstream.append(first, 2);
  await until(() => back.seqs(first).length === 1);
  for (const frame of back.received.filter(({ type }) => type === "comment")) {
    const returned = new Viewer(frontend, [video, ...others], { lastEventId: frame.id });
    await until(() => returned.connection.ready);
    const had = back.received.slice(0, back.received.indexOf(frame) + 1);
    for (const name of [video, ...others]) {
      const before = had
        .filter(({ topic: own, seq }) => own === name && seq !== undefined)
        .map(({ seq }) => seq ?? 0);
      const head = name === video ? 30 : name === first ? 2 : 1;
      const start = name === video ? 0 : 1;
      const whole = [...before, ...returned.seqs(name).map((seq) => seq ?? 0)];
      expect([name, whole]).toEqual([
        name,
        Array.from({ length: head - start }, (_, index) => start + index + 1),
      ]);
    }
    frontend.closed(returned.connection, "left");
  }
});
