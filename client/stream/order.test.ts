/** The SDK's promise on any network: each durable event exactly once, in order. */

import { expect, test } from "bun:test";
import type { Topic } from "@ovation/protocol";
import fc from "fast-check";
import { settle } from "../../testing/manual-clock.ts";
import { createHarness } from "../testing/harness.ts";

const TOPICS = ["video:1", "video:2", "member:a"] as const;

const action = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      topic: fc.constantFrom(...TOPICS),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("advance" as const),
      ms: fc.integer({ min: 0, max: 6000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cut" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("forget" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("join" as const), topic: fc.constantFrom(...TOPICS) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("leave" as const), topic: fc.constantFrom(...TOPICS) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("heads" as const) }) },
);
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;
/** The network's action on each message in turn; afterwards the network is reliable. */
const fate = fc.oneof(
  { weight: 5, arbitrary: fc.constant("arrive" as const) },
  { weight: 2, arbitrary: fc.constant("lose" as const) },
  { weight: 2, arbitrary: fc.constant("repeat" as const) },
  { weight: 2, arbitrary: fc.constant("delay" as const) },
);
type Fate = typeof fate extends fc.Arbitrary<infer Value> ? Value : never;

/**
 * Found by seed -1559885803 when the model also dropped events out of an open replay, three times
 * in a row: the client then gives up, as `PULLS_MAX` says. A stream loses nothing in its middle, so
 * replays are cut instead.
 */
const FOUND: readonly [Action[], Fate[], boolean] = [
  [
    { do: "publish", topic: "video:1" },
    { do: "publish", topic: "video:1" },
    { do: "join", topic: "video:2" },
    { do: "publish", topic: "video:1" },
    { do: "publish", topic: "video:1" },
    { do: "forget" },
    { do: "advance", ms: 4500 },
    { do: "publish", topic: "video:1" },
    { do: "advance", ms: 2250 },
  ],
  "delay delay repeat arrive repeat repeat lose delay lose arrive lose delay arrive lose".split(
    " ",
  ) as Fate[],
  false,
];

test("any loss, repetition, disorder and cuts end with each event once, in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 60, size: "max" }),
      fc.array(fate, { maxLength: 80, size: "max" }),
      fc.boolean(),
      async (actions, fates, signedIn) => {
        const harness = createHarness();
        const { model, clock, client, network } = harness;
        // A member's own topic is on every connection, requested or not.
        if (signedIn) model.own = "member:a" as Topic;
        let turn = 0;
        network.carry = (message, arrive) => {
          const next = fates[turn++] ?? "arrive";
          if (next === "lose") return;
          if (next === "delay") clock.after(700 * (turn % 5), () => arrive(message));
          else arrive(message);
          if (next === "repeat") arrive(message);
        };

        network.replays = () => {
          if (fates[turn++] === "lose") network.cut();
          return true;
        };

        /** Per topic: where the current subscription began, and its events. */
        const seen = new Map<string, { from: number | undefined; seqs: number[] }>();
        const unsubscribes = new Map<string, () => void>();
        function join(topic: string): void {
          if (unsubscribes.has(topic)) return;
          const story: { from: number | undefined; seqs: number[] } = { from: undefined, seqs: [] };
          seen.set(topic, story);
          const subscription = client.subscribe(topic, {
            onSubscribed: ({ head }) => {
              story.from = head;
            },
            comment: ({ seq }) => void story.seqs.push(seq ?? -1),
            onReset: () => story.seqs.push(-2),
          });
          unsubscribes.set(topic, () => subscription.unsubscribe());
        }
        function announceHeads(): void {
          for (const topic of TOPICS)
            model.publish(topic, "stats", { viewers: 1, head: model.log(topic).length }, false);
        }

        join(TOPICS[0]);
        await settle();
        for (const step of actions) {
          if (step.do === "publish") model.publish(step.topic, "comment", {});
          else if (step.do === "advance") await clock.advance(step.ms);
          else if (step.do === "cut") network.cut();
          else if (step.do === "forget") model.connections.clear();
          else if (step.do === "join") join(step.topic);
          else if (step.do === "heads") announceHeads();
          else {
            unsubscribes.get(step.topic)?.();
            unsubscribes.delete(step.topic);
            seen.delete(step.topic);
          }
        }
        // The network becomes reliable; heartbeats find dead connections, heads find lost last
        // events.
        turn = fates.length;
        for (let count = 0; count < 9; count++) {
          network.beat();
          await clock.advance(10_000);
        }
        announceHeads();
        for (let count = 0; count < 2; count++) {
          network.beat();
          await clock.advance(10_000);
        }

        for (const [topic, { from, seqs }] of seen) {
          const head = model.log(topic).length;
          expect(from).toBeDefined();
          expect(seqs).toEqual(
            Array.from({ length: head - (from ?? 0) }, (_, index) => (from ?? 0) + index + 1),
          );
        }
        client.close();
        expect(clock.pending).toBe(0);
      },
    ),
    {
      interruptAfterTimeLimit: 3000,
      numRuns: 1000,
      markInterruptAsFailure: false,
      examples: [[...FOUND]],
    },
  );
}, 30_000);
