/**
 * The viewers of a frontend whose process is gone, on a clock that the test moves: real links, real
 * counts.
 */

import { expect, test } from "bun:test";
import { DEFAULT_POLICY, type FrontendId, parseFrontendId, topicOf } from "@ovation/protocol";
import { MemorySubscriptionTable, MemoryViewerCounts, TableUnavailableError } from "@ovation/table";
import { createManualClock } from "../../testing/manual-clock.ts";
import { Dispatcher } from "../dispatcher.ts";
import { VIEWERS_TTL_MS } from "../limits.ts";
import { formatFresh, LINK_RECONNECT_MS_FIRST } from "./limits.ts";
import type { LinkEvents } from "./link.ts";
import { NetworkLinks } from "./links-network.ts";

const topic = topicOf("video", "1");
const VIEWERS = 60;
const [dead, living] = ["frontend1", "frontend2"].map((name) => ({
  id: parseFrontendId(name) as FrontendId,
  url: `http://${name}`,
})) as [Address, Address];

interface Address {
  readonly id: FrontendId;
  readonly url: string;
}

async function start() {
  const clock = createManualClock(0);
  const table = new MemorySubscriptionTable(clock);
  const stored = new MemoryViewerCounts(clock);
  let isAway = false;
  const failures: string[] = [];
  const opened = new Map<FrontendId, LinkEvents>();
  const refusing = new Set<FrontendId>();
  const links = new NetworkLinks({
    policy: DEFAULT_POLICY,
    clock,
    onGone: (id) => void dispatcher.dropViewersOf(id),
    connect(frontend, events) {
      opened.set(frontend.id, events);
      clock.after(1, () => {
        if (refusing.has(frontend.id)) events.closed("refused");
        else events.message(formatFresh(0));
      });
      return { send() {}, close() {} };
    },
  });
  const dispatcher = new Dispatcher({
    ...({ table, links, policy: DEFAULT_POLICY, calls: {} as never, clock } as const),
    counts: {
      report: (...report) => stored.report(...report),
      totals: (topics) => stored.totals(topics),
      close: () => stored.close(),
      async release(reporter) {
        if (isAway) throw new TableUnavailableError("away");
        await stored.release(reporter);
      },
    },
    log: { changes: async () => ({ heads: [], stamp: 1, epoch: "e" }) } as never,
    onFailure: (what) => void failures.push(what),
  });
  const report = async (frontend: Address, viewers: number) =>
    (await dispatcher.report(frontend, [{ topic, viewers }], 0)).viewers[0]?.viewers;
  for (const frontend of [dead, living]) {
    await dispatcher.renew(frontend, VIEWERS_TTL_MS);
    await dispatcher.change(frontend, [{ topic, subscribed: false, generation: 1 }]);
    links.send(frontend, [{ topic, type: "goal", at: 1, data: "1" as never }]);
    await report(frontend, VIEWERS / 2);
  }
  await clock.advance(10);
  return {
    clock,
    report,
    failures,
    setAway: (away: boolean) => {
      isAway = away;
    },
    /** The operating system closes its sockets and refuses connections to its address. */
    kill(frontend: Address) {
      refusing.add(frontend.id);
      opened.get(frontend.id)?.closed("closed 1006");
    },
    breakLink: (frontend: Address) => opened.get(frontend.id)?.closed("closed 1006"),
    async isCounted() {
      return (await dispatcher.viewers([topic])).get(topic);
    },
  };
}

test("viewers of a killed frontend are not counted when they are back elsewhere", async () => {
  const { clock, report, kill, isCounted } = await start();
  expect(await isCounted()).toBe(VIEWERS);
  kill(dead);
  await clock.advance(LINK_RECONNECT_MS_FIRST + 2);
  expect(await isCounted()).toBe(VIEWERS / 2);
  // All of them are back within a second, at the other one.
  for (const back of [10, 20, 30]) {
    await clock.advance(300);
    expect(await report(living, VIEWERS / 2 + back)).toBe(VIEWERS / 2 + back);
  }
  await clock.advance(VIEWERS_TTL_MS / 2);
  expect(await report(living, VIEWERS)).toBe(VIEWERS);
});

test("a report that was in flight when its frontend died counts for a second at most", async () => {
  const { clock, report, kill, isCounted } = await start();
  kill(dead);
  await clock.advance(LINK_RECONNECT_MS_FIRST + 2);
  await report(dead, VIEWERS / 2);
  expect(await isCounted()).toBe(VIEWERS);
  await clock.advance(1000);
  expect(await isCounted()).toBe(VIEWERS / 2);
});

test("a frontend that lives is counted all the while its link breaks and opens again", async () => {
  const { clock, breakLink, isCounted } = await start();
  for (let round = 0; round < 5; round++) {
    breakLink(dead);
    for (let ms = 0; ms < 2 * LINK_RECONNECT_MS_FIRST; ms += 5) {
      await clock.advance(5);
      expect(await isCounted()).toBe(VIEWERS);
    }
  }
});

test("a frontend that refuses one dispatcher counts again at its next report", async () => {
  const { clock, report, kill, isCounted } = await start();
  kill(dead);
  await clock.advance(LINK_RECONNECT_MS_FIRST + 2);
  expect(await isCounted()).toBe(VIEWERS / 2);
  await clock.advance(2 * VIEWERS_TTL_MS);
  await report(living, VIEWERS / 2);
  for (let second = 0; second < 10; second++) {
    await report(dead, VIEWERS / 2);
    await report(living, VIEWERS / 2);
    expect(await isCounted()).toBe(VIEWERS);
    await clock.advance(1000);
  }
});

test("a store that is away at that moment is told at the next refusal", async () => {
  const { clock, kill, isCounted, setAway, failures } = await start();
  setAway(true);
  kill(dead);
  await clock.advance(LINK_RECONNECT_MS_FIRST + 2);
  expect(failures).toContain("viewers");
  expect(await isCounted()).toBe(VIEWERS);
  setAway(false);
  await clock.advance(1000);
  expect(await isCounted()).toBe(VIEWERS / 2);
});
