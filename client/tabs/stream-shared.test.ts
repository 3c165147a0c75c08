import { expect, test } from "bun:test";
import { parseTopic, type Topic } from "@ovation/protocol";
import { comments, createWorld, ONE, type Tab, TWO } from "../testing/tab-world.ts";

test("many tabs share one connection, and each gets its topics", async () => {
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

test("a later tab begins at the current head, without a request for known topics", async () => {
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

test("when the leader dies another tab leads, without loss or duplicate", async () => {
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

test("topics that only a dead or closed tab wanted are unsubscribed", async () => {
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

test("a refused topic is reported to every tab that wants it", async () => {
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
