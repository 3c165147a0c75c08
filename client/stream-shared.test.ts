import { expect, test } from "bun:test";
import { parseTopic, type Topic } from "@ovation/protocol";
import fc from "fast-check";
import { createSendRequest } from "./request.ts";
import type { Stream } from "./stream.ts";
import { createSharedStream } from "./stream-shared.ts";
import { createManualClock, type ManualClock } from "./testing/manual-clock.ts";
import { ModelBrowser, type ModelTab } from "./testing/model-browser.ts";
import { createModelNetwork, type ModelNetwork } from "./testing/model-network.ts";
import { ModelServer } from "./testing/model-server.ts";
import { createTokenKeeper } from "./token.ts";
import type { ConnectionState } from "./types.ts";

const ONE = parseTopic("video:1") as Topic;
const TWO = parseTopic("video:2") as Topic;

interface Tab {
  readonly page: ModelTab;
  readonly stream: Stream;
  readonly network: ModelNetwork;
  readonly lines: string[];
  readonly states: ConnectionState[];
  kill(): void;
}

interface World {
  readonly clock: ManualClock;
  readonly model: ModelServer;
  open(token?: string): Tab;
}

function createWorld(): World {
  const clock = createManualClock();
  const model = new ModelServer();
  const browser = new ModelBrowser();
  return {
    clock,
    model,
    open(bearer) {
      const page = browser.open(clock);
      const network = createModelNetwork(model);
      network.carry = (message, arrive) => page.run(() => arrive(message));
      const token = createTokenKeeper(bearer);
      const lines: string[] = [];
      const states: ConnectionState[] = [];
      const environment = {
        url: "http://model",
        clock: page,
        random: () => 0.5,
        retryMs: { first: 500, longest: 20_000 },
        token,
        send: createSendRequest("http://model", token, network.fetch),
        openFetch: network.open,
        openEventSource: undefined,
      };
      const sink = {
        onState: (state: ConnectionState) => void states.push(state),
        onEvent: ({ topic, type, seq }: { topic: string; type: string; seq?: number }) =>
          void lines.push(`${topic} ${type} ${seq ?? "-"}`),
        onSubscribed: (topic: Topic, head: number) =>
          void lines.push(`${topic} subscribed ${head}`),
        onReset: (topic: Topic, head: number) => void lines.push(`${topic} reset ${head}`),
        onRefused: (topic: Topic, code: string) => void lines.push(`${topic} refused ${code}`),
      };
      const stream = createSharedStream(environment, sink, page);
      return {
        page,
        stream,
        network,
        lines,
        states,
        kill() {
          page.kill();
          network.cut();
        },
      };
    },
  };
}

function comments(tab: Tab, topic = ONE): number[] {
  return tab.lines.flatMap((line) =>
    line.startsWith(`${topic} comment `) ? [Number(line.split(" ")[2])] : [],
  );
}

test("many tabs have one connection, and each hears its topics", async () => {
  const { clock, model, open } = createWorld();
  const tabs = Array.from({ length: 8 }, () => open());
  for (const [index, tab] of tabs.entries()) tab.stream.add(index < 4 ? ONE : TWO);
  await clock.advance(200);
  expect(model.connections.size).toBe(1);
  model.publish(ONE, "comment", {});
  model.publish(TWO, "comment", {});
  await clock.advance(10);
  for (const [index, tab] of tabs.entries())
    expect(tab.lines.at(-1)).toBe(index < 4 ? "video:1 comment 1" : "video:2 comment 1");
  for (const tab of tabs) expect(tab.states.at(-1)?.name).toBe("connected");
});

test("a tab that comes later begins at the present head, without a request for a topic that is there", async () => {
  const { clock, model, open } = createWorld();
  const first = open();
  first.stream.add(ONE);
  await clock.advance(200);
  model.publish(ONE, "comment", {});
  const second = open();
  second.stream.add(ONE);
  await clock.advance(200);
  model.publish(ONE, "comment", {});
  await clock.advance(10);
  expect(second.lines).toEqual(["video:1 subscribed 1", "video:1 comment 2"]);
  expect(first.network.changes).toEqual([]);
});

test("when the leader dies another tab leads, and nobody misses a durable event or sees one twice", async () => {
  const { clock, model, open } = createWorld();
  const tabs = [open(), open(), open()];
  for (const tab of tabs) tab.stream.add(ONE);
  await clock.advance(200);
  model.publish(ONE, "comment", {});
  await clock.advance(10);
  tabs[0]?.kill();
  model.publish(ONE, "comment", {});
  await clock.advance(200);
  model.publish(ONE, "comment", {});
  await clock.advance(10);
  for (const tab of tabs.slice(1)) expect(comments(tab)).toEqual([1, 2, 3]);
  expect(model.connections.size).toBe(1);
});

test("a leader that freezes is replaced, and follows when it is thawed", async () => {
  const { clock, model, open } = createWorld();
  const leader = open();
  leader.stream.add(ONE);
  await clock.advance(200);
  const other = open();
  other.stream.add(ONE);
  await clock.advance(200);
  leader.page.freeze();
  await clock.advance(20_000);
  model.publish(ONE, "comment", {});
  await clock.advance(1000);
  expect(comments(other)).toEqual([1]);
  leader.page.thaw();
  await clock.advance(30_000);
  model.publish(ONE, "comment", {});
  await clock.advance(100);
  expect(comments(leader)).toEqual([1, 2]);
  expect(comments(other)).toEqual([1, 2]);
  expect(model.connections.size).toBe(1);
});

test("a tab that missed an event asks for it, and the others do not see it twice", async () => {
  const { clock, model, open } = createWorld();
  const tabs = [open(), open()] as const;
  for (const tab of tabs) tab.stream.add(ONE);
  await clock.advance(200);
  tabs[1].page.deaf = 1;
  model.publish(ONE, "comment", {});
  await clock.advance(10);
  model.publish(ONE, "comment", {});
  await clock.advance(5000);
  for (const tab of tabs) expect(comments(tab)).toEqual([1, 2]);
  for (const tab of tabs) expect(tab.lines.join()).not.toContain("reset");
  expect(tabs[0].states.map(({ reason }) => reason)).toContain("topics-changed");
});

test("topics that only a dead or closed tab wanted are given back", async () => {
  const { clock, model, open } = createWorld();
  const [leader, dying, closing] = [open(), open(), open()];
  leader.stream.add(ONE);
  dying.stream.add(TWO);
  closing.stream.add(parseTopic("video:3") as Topic);
  await clock.advance(200);
  dying.kill();
  closing.stream.close();
  await clock.advance(200);
  expect([...model.connections.values()].map(({ topics }) => [...topics])).toEqual([[ONE]]);
});

test("tabs with different tokens share nothing", async () => {
  const { clock, model, open } = createWorld();
  const tabs = [open("alice"), open("bob"), open()];
  for (const tab of tabs) tab.stream.add(ONE);
  await clock.advance(200);
  expect(model.connections.size).toBe(3);
});

test("a refused topic is said to every tab that wants it", async () => {
  const { clock, model, open } = createWorld();
  model.refused.set(TWO, "forbidden");
  const tabs = [open(), open()];
  for (const tab of tabs) tab.stream.add(ONE);
  await clock.advance(200);
  for (const tab of tabs) tab.stream.add(TWO);
  await clock.advance(200);
  for (const tab of tabs) expect(tab.lines.at(-1)).toBe("video:2 refused forbidden");
});

test("closing the leader's client does not close the others'", async () => {
  const { clock, model, open } = createWorld();
  const tabs = [open(), open()];
  for (const tab of tabs) tab.stream.add(ONE);
  await clock.advance(200);
  tabs[0]?.stream.close();
  await clock.advance(200);
  model.publish(ONE, "comment", {});
  await clock.advance(10);
  expect(tabs[0]?.states.at(-1)?.name).toBe("closed");
  expect(tabs[1]?.states.at(-1)?.name).toBe("connected");
  expect(comments(tabs[1] as Tab)).toEqual([1]);
});

const action = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("publish" as const), topic: fc.constantFrom(ONE, TWO) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("advance" as const),
      ms: fc.integer({ min: 0, max: 8000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("open" as const), topic: fc.constantFrom(ONE, TWO) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("kill" as const), tab: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("freeze" as const), tab: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("thaw" as const), tab: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cut" as const), tab: fc.nat(3) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("deafen" as const),
      tab: fc.nat(3),
      messages: fc.nat(3),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("lose" as const), tab: fc.nat(3), messages: fc.nat(3) }),
  },
);

test("whatever happens to tabs and connections, every tab that lives sees each durable event once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40, size: "max" }), async (actions) => {
      const { clock, model, open } = createWorld();
      const tabs: { tab: Tab; topic: Topic }[] = [];
      function openWith(topic: Topic): void {
        const tab = open();
        tab.stream.add(topic);
        tabs.push({ tab, topic });
      }
      for (const topic of [ONE, TWO, ONE]) openWith(topic);
      await clock.advance(100);
      for (const step of actions) {
        if (step.do === "publish") model.publish(step.topic, "comment", {});
        else if (step.do === "advance") await clock.advance(step.ms);
        else if (step.do === "open") openWith(step.topic);
        else {
          const tab = tabs[step.tab]?.tab;
          if (tab === undefined) continue;
          if (step.do === "kill") tab.kill();
          else if (step.do === "freeze") tab.page.freeze();
          else if (step.do === "thaw") tab.page.thaw();
          else if (step.do === "cut") tab.network.cut();
          else if (step.do === "deafen") tab.page.deaf = step.messages;
          else {
            let left = step.messages;
            tab.network.carry = (message, arrive) =>
              left-- > 0 ? undefined : tab.page.run(() => arrive(message));
          }
        }
      }
      for (const { tab } of tabs) {
        tab.page.thaw();
        tab.page.deaf = 0;
        tab.network.carry = (message, arrive) => tab.page.run(() => arrive(message));
      }
      for (let count = 0; count < 12; count++) {
        for (const { tab } of tabs) tab.network.beat();
        await clock.advance(10_000);
      }
      for (const topic of [ONE, TWO])
        model.publish(topic, "stats", { viewers: 1, head: model.log(topic).length }, false);
      for (let count = 0; count < 3; count++) {
        for (const { tab } of tabs) tab.network.beat();
        await clock.advance(10_000);
      }
      for (const { tab, topic } of tabs) {
        if (tab.page.dead) continue;
        const head = model.log(topic).length;
        const from = Number(
          tab.lines.find((line) => line.startsWith(`${topic} subscribed`))?.split(" ")[2],
        );
        expect(from).not.toBeNaN();
        expect(comments(tab, topic)).toEqual(
          Array.from({ length: head - from }, (_, index) => from + index + 1),
        );
        expect(tab.lines.filter((line) => line.includes("reset"))).toEqual([]);
      }
      expect(model.connections.size).toBe(tabs.some(({ tab }) => !tab.page.dead) ? 1 : 0);
    }),
    { interruptAfterTimeLimit: 3000, numRuns: 300, markInterruptAsFailure: false },
  );
}, 30_000);
