import { expect, test } from "bun:test";
import { type Event, parseTopic, type Topic, toJsonText, topicOf } from "@ovation/protocol";
import fc from "fast-check";
import {
  BUSY_EVENTS,
  BUSY_ROUNDS,
  COUNTED_TOPICS_MAX,
  INTEREST_EVERY_MS,
  INTEREST_HELD_EVENTS_MAX,
  INTEREST_TOPICS_MAX,
  PeerInterest,
  QUIET_ROUNDS,
} from "./interest.ts";

const TOPICS = ["video:1", "video:2"].map((text) => parseTopic(text) as Topic);
const [ONE, TWO] = TOPICS as [Topic, Topic];
const eventOf = (topic: Topic, at: number): Event => ({
  topic,
  type: "goal",
  at,
  data: toJsonText(at),
});
/** Enough for a topic to be asked about. */
const BUSY_MS = BUSY_ROUNDS * INTEREST_EVERY_MS;

/** A peer whose subscribers the test chooses, and which is some way off. */
function open(away: { lookup(): number; answer(): number }) {
  let now = 0;
  let serial = 0;
  const due: { readonly at: number; readonly serial: number; readonly run: () => void }[] = [];
  const after = (ms: number, run: () => void) => {
    const timer = { at: now + ms, serial: ++serial, run };
    due.push(timer);
    return () => void due.splice(due.indexOf(timer) >>> 0, 1);
  };
  const wait = (ms: number) => new Promise<void>((resolve) => void after(ms, resolve));
  const subscribed = new Set<Topic>();
  const forwarded: Event[] = [];
  const peer = { up: true, asked: 0, silent: false };
  const interest = new PeerInterest({
    clock: { now: () => now, after },
    isUp: () => peer.up,
    forward: (events) => void forwarded.push(...events),
    async ask(topics) {
      peer.asked += topics.length;
      await wait(away.lookup());
      const answers = topics.map((topic) => subscribed.has(topic));
      await wait(away.answer());
      return peer.silent ? undefined : answers;
    },
  });
  async function pass(ms: number): Promise<void> {
    const end = now + ms;
    for (;;) {
      for (let turn = 0; turn < 8; turn++) await Promise.resolve();
      const next = due.toSorted(
        (left, right) => left.at - right.at || left.serial - right.serial,
      )[0];
      if (next === undefined || next.at > end) break;
      due.splice(due.indexOf(next), 1);
      now = next.at;
      next.run();
    }
    now = end;
  }
  let at = 0;
  const publish = (topic: Topic, count = 1) => {
    for (; count > 0; count--) interest.push([eventOf(topic, ++at)]);
    return at;
  };
  /** Until the topic's events are held. */
  async function busy(topic: Topic): Promise<void> {
    publish(topic, BUSY_EVENTS);
    await pass(BUSY_MS + 2 * INTEREST_EVERY_MS);
  }
  return {
    interest,
    subscribed,
    forwarded,
    peer,
    pass,
    publish,
    busy,
    atsOf: (topic: Topic) => ats(forwarded, topic),
  };
}

function ats(events: readonly Event[], topic: Topic): readonly number[] {
  return events.filter((event) => event.topic === topic).map((event) => event.at);
}

const near = { lookup: () => 10, answer: () => 10 };

test("a busy topic without a subscriber is skipped, any other one is forwarded", async () => {
  const { interest, subscribed, forwarded, pass, publish, busy } = open(near);
  subscribed.add(TWO);
  publish(ONE, BUSY_EVENTS - 1);
  await pass(BUSY_MS * 3);
  expect(forwarded).toHaveLength(BUSY_EVENTS - 1);
  await busy(ONE);
  await busy(TWO);
  const before = forwarded.length;
  publish(ONE, 100);
  publish(TWO, 100);
  expect(forwarded).toHaveLength(before + 100);
  await pass(INTEREST_EVERY_MS * 2);
  expect(interest.skipped).toBe(100);
  expect(interest.held).toBe(0);
});

test("without a response, with the lane down, or over the bound, all is forwarded", async () => {
  for (const break_ of ["silent", "down", "full"] as const) {
    const { interest, peer, forwarded, pass, publish, busy } = open(near);
    await busy(ONE);
    const before = forwarded.length;
    publish(ONE, 3);
    expect(interest.held).toBe(3);
    if (break_ === "silent") {
      peer.silent = true;
      await pass(INTEREST_EVERY_MS * 2);
    } else if (break_ === "down") {
      peer.up = false;
      publish(ONE, 1);
    } else publish(ONE, INTEREST_HELD_EVENTS_MAX);
    expect(interest.held).toBe(0);
    expect(interest.skipped).toBe(0);
    expect(forwarded.slice(before).map(({ at }) => at)).toEqual(
      Array.from({ length: forwarded.length - before }, (_, index) => index + BUSY_EVENTS + 1),
    );
  }
});

test("a held topic that is quiet for long is forgotten, and asks for nothing", async () => {
  const { interest, peer, forwarded, pass, publish, busy } = open(near);
  await busy(ONE);
  const asked = peer.asked;
  await pass((QUIET_ROUNDS + 2) * INTEREST_EVERY_MS);
  expect(peer.asked).toBe(asked);
  publish(ONE);
  expect(interest.held).toBe(0);
  expect(forwarded.at(-1)?.at).toBe(BUSY_EVENTS + 1);
});

test("every event published after a subscribe there is forwarded, once and in order", async () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        what: fc.constant("publish" as const),
        topic: fc.nat(1),
        count: fc.integer({ min: 1, max: 15 }),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        what: fc.constant("pass" as const),
        ms: fc.integer({ min: 0, max: 400 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        what: fc.constant("subscribe" as const),
        topic: fc.nat(1),
        is: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ what: fc.constant("silent" as const), is: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant("down" as const), is: fc.boolean() }) },
  );
  let skippedInAll = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 80 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 300 })),
      async (steps, delays) => {
        const delay = () => delays.next().value ?? 0;
        const { interest, subscribed, peer, pass, publish, busy, atsOf } = open({
          lookup: delay,
          answer: delay,
        });
        await busy(ONE);
        await busy(TWO);
        const owed = new Map<Topic, number[]>(TOPICS.map((topic) => [topic, []]));
        for (const one of steps) {
          if (one.what === "pass") await pass(one.ms);
          else if (one.what === "silent") peer.silent = one.is;
          else if (one.what === "down") peer.up = !one.is;
          else if (one.what === "publish") {
            const topic = TOPICS[one.topic] as Topic;
            for (let count = one.count; count > 0; count--) {
              const at = publish(topic);
              if (subscribed.has(topic)) owed.get(topic)?.push(at);
            }
          } else if (one.is) subscribed.add(TOPICS[one.topic] as Topic);
          else {
            // Earlier events are owed while there is a subscriber: they are forwarded first.
            peer.silent = false;
            await pass(5000);
            subscribed.delete(TOPICS[one.topic] as Topic);
          }
        }
        peer.silent = false;
        await pass(10_000);
        for (const topic of TOPICS) {
          const got = atsOf(topic);
          expect(got).toEqual([...new Set(got)].sort((left, right) => left - right));
          expect(got).toEqual(expect.arrayContaining(owed.get(topic) ?? []));
        }
        skippedInAll += interest.skipped;
        interest.close();
      },
    ),
    { numRuns: 200, interruptAfterTimeLimit: 4000 },
  );
  expect(skippedInAll).toBeGreaterThan(0);
}, 10_000);

test("COUNTED_TOPICS_MAX: a busy topic beyond is not counted and goes at once", async () => {
  for (const others of [COUNTED_TOPICS_MAX - 1, COUNTED_TOPICS_MAX]) {
    const { interest, forwarded, pass, publish, busy } = open(near);
    for (let other = 0; other < others; other++) publish(topicOf("member", `m${other}`));
    await busy(ONE);
    const isCounted = others < COUNTED_TOPICS_MAX;
    const before = forwarded.length;
    publish(ONE, 3);
    expect(interest.held).toBe(isCounted ? 3 : 0);
    expect(forwarded.length - before).toBe(isCounted ? 0 : 3);
    await pass(INTEREST_EVERY_MS);
    interest.close();
  }
});

test("INTEREST_TOPICS_MAX: so many topics are asked about; further ones go at once", async () => {
  const { interest, peer, pass, publish } = open(near);
  const topics = Array.from({ length: INTEREST_TOPICS_MAX + 1 }, (_, index) =>
    topicOf("member", `m${index}`),
  );
  for (const each of topics) publish(each, BUSY_EVENTS);
  await pass(BUSY_MS + INTEREST_EVERY_MS);
  expect(peer.asked).toBe(INTEREST_TOPICS_MAX);
  for (const each of topics) publish(each);
  expect(interest.held).toBe(INTEREST_TOPICS_MAX);
  interest.close();
});
