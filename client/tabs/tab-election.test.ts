import { expect, test } from "bun:test";
import type { Topic } from "@ovation/protocol";
import fc from "fast-check";
import { comments, createWorld, ONE, type Tab, TWO } from "../testing/tab-world.ts";

for (const hasLocks of [true, false]) {
  const where = hasLocks ? "with Web Locks" : "without Web Locks";

  test(`${where} a killed leader of one connection is replaced within 6 s`, async () => {
    const { clock, model, open } = createWorld(hasLocks);
    const tabs = Array.from({ length: 8 }, () => open());
    for (const tab of tabs) tab.stream.add(ONE);
    await clock.advance(20_000);
    expect(model.connections.size).toBe(1);
    tabs[0]?.kill();
    model.publish(ONE, "comment", {});
    await clock.advance(6000);
    expect(model.connections.size).toBe(1);
    for (const tab of tabs.slice(1)) expect(comments(tab)).toEqual([1]);
  });

  for (const told of [true, false])
    test(`${where} back/forward cache${told ? "" : " without an event"}`, async () => {
      const { clock, model, open } = createWorld(hasLocks);
      const [alone] = [open()];
      alone.stream.add(ONE);
      await clock.advance(20_000);
      for (let times = 0; times < 3; times++) {
        alone.sleep(told);
        model.publish(ONE, "comment", {});
        await clock.advance(100_000);
        alone.wake(told);
        await clock.advance(told ? 200 : 40_000);
        model.publish(ONE, "comment", {});
        // As long as a leader that believed itself dead would have taken to time out.
        for (let beats = 0; beats < 6; beats++) {
          alone.network.beat();
          await clock.advance(10_000);
        }
      }
      expect(comments(alone)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(model.connections.size).toBe(1);
      expect(alone.states.at(-1)?.name).toBe("connected");
    });

  test(`${where} a follower that slept and lost its lock keeps its topics`, async () => {
    const { clock, model, open } = createWorld(hasLocks);
    const [leader, follower] = [open(), open()];
    leader.stream.add(ONE);
    await clock.advance(1000);
    follower.stream.add(TWO);
    await clock.advance(1000);
    follower.sleep(false);
    await clock.advance(60_000);
    follower.wake(false);
    await clock.advance(60_000);
    model.publish(TWO, "comment", {});
    await clock.advance(1000);
    expect(comments(follower, TWO)).toEqual([1]);
    expect(model.connections.size).toBe(1);
  });

  test(`${where} after a laptop's sleep no tab takes the leader for dead`, async () => {
    const { clock, model, open } = createWorld(hasLocks);
    const tabs = [open(), open(), open()];
    for (const tab of tabs) tab.stream.add(ONE);
    await clock.advance(20_000);
    const connects = () => tabs.map(({ network }) => network.connects.length);
    const before = connects();
    for (const tab of tabs) tab.page.freeze();
    await clock.advance(3_600_000);
    for (const tab of tabs.toReversed()) tab.page.thaw();
    await clock.advance(5000);
    expect(tabs.map((_, index) => (connects()[index] ?? 0) - (before[index] ?? 0))).toEqual([
      1, 0, 0,
    ]);
    model.publish(ONE, "comment", {});
    await clock.advance(100);
    for (const tab of tabs) expect(comments(tab)).toEqual([1]);
  });
}

test("a leader that goes to sleep hands over at once", async () => {
  const { clock, model, open } = createWorld(false);
  const tabs = [open(), open()] as const;
  for (const tab of tabs) tab.stream.add(ONE);
  await clock.advance(1000);
  tabs[0].sleep(true);
  await clock.advance(100);
  model.publish(ONE, "comment", {});
  await clock.advance(10);
  expect(comments(tabs[1])).toEqual([1]);
});

test("events of every type reach a follower, also under the next leader", async () => {
  const { clock, model, open } = createWorld();
  const tabs = [open(), open(), open()] as const;
  for (const tab of tabs) tab.stream.add(ONE);
  await clock.advance(200);
  model.publish(ONE, "goal", {});
  model.publish(ONE, "cheer", {}, false);
  await clock.advance(10);
  tabs[0].kill();
  await clock.advance(1000);
  model.publish(ONE, "goal", {});
  await clock.advance(10);
  expect(tabs[2].lines.filter((line) => line.includes("goal"))).toEqual([
    "video:1 goal 1",
    "video:1 goal 2",
  ]);
  expect(tabs[2].lines).toContain("video:1 cheer -");
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
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("sleep" as const, "wake" as const),
      tab: fc.nat(3),
      told: fc.boolean(),
    }),
  },
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

test("through any faults every live tab gets each durable event once, in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(action, { maxLength: 40, size: "max" }),
      async (hasLocks, actions) => {
        const { clock, model, open } = createWorld(hasLocks);
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
            else if ("told" in step) tab[step.do](step.told);
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
          tab.wake(false);
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
      },
    ),
    { interruptAfterTimeLimit: 3000, numRuns: 300, markInterruptAsFailure: false },
  );
}, 30_000);
