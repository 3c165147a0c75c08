/** The log beside a model of it, under random appends, replays, replacements and trims. */

import { expect, test } from "bun:test";
import { type Topic, toJsonText } from "@ovation/protocol";
import fc from "fast-check";
import type { Appended, Log } from "./log.ts";
import { entry, freshTopic, never, seqsOf, type WithLog } from "./testing/contract-log.ts";

const modelEntry = fc.record({
  topic: fc.constantFrom(0, 1),
  text: fc.string({ maxLength: 20 }),
  key: fc.option(fc.constantFrom("a", "b", "c", "d", "e", "f"), { nil: undefined }),
  replace: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
});

type ModelEntry = typeof modelEntry extends fc.Arbitrary<infer Value> ? Value : never;

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      writer: fc.boolean(),
      entries: fc.array(modelEntry, { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("trim" as const),
      limit: fc.integer({ min: 1, max: 20 }),
    }),
  },
);

const replacedBy = (text: string) => toJsonText({ text: `replaced ${text}` });

/** What one topic holds: all data from its first event on, and the place of each key. */
class TopicModel {
  readonly topic: Topic;
  readonly #data: string[] = [];
  readonly #keys = new Map<string, number>();

  constructor(topic: Topic) {
    this.topic = topic;
  }

  append({ key, replace, text }: ModelEntry): { seq: number; duplicate: boolean } {
    const known = key === undefined ? undefined : this.#keys.get(key);
    if (known !== undefined) return { seq: known, duplicate: true };
    this.#data.push(toJsonText({ text }));
    const seq = this.#data.length;
    if (key !== undefined) this.#keys.set(key, seq);
    if (replace !== undefined && replace < seq) this.#data[replace - 1] = replacedBy(text);
    return { seq, duplicate: false };
  }

  async expectIn(log: Log): Promise<void> {
    const { events, head } = await log.read(this.topic, { after: 0, limit: 1000 });
    const kept = this.#data.slice(head.first - 1);
    expect(head.seq).toBe(this.#data.length);
    expect(events.map((event) => event.data as string)).toEqual(kept);
    expect(seqsOf(events)).toEqual(kept.map((_, at) => head.first + at));
  }
}

function entryOf({ key, replace, text }: ModelEntry, topic: Topic) {
  return entry(topic, text, {
    ...(key === undefined ? {} : { key }),
    ...(replace === undefined ? {} : { replace: { seq: replace, data: replacedBy(text) } }),
  });
}

const placesOf = (appended: readonly Appended[]) =>
  appended.map(({ place, duplicate }) => ({ seq: place.seq, duplicate }));

export function modelContract(withLog: WithLog): void {
  test("agrees with a model under random appends, replays, replacements and trims", () =>
    withLog(async (log, _clock, other) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
          const models = [freshTopic("few"), freshTopic()].map((topic) => new TopicModel(topic));
          for (const one of steps) {
            if (one.kind === "trim") {
              await log.trim(one.limit);
              continue;
            }
            const modelOf = ({ topic }: ModelEntry) => models[topic] ?? never();
            const entries = one.entries.map((each) => entryOf(each, modelOf(each).topic));
            const expected = one.entries.map((each) => modelOf(each).append(each));
            const appended = await (one.writer ? log : other).append(entries);
            expect(placesOf(appended)).toEqual(expected);
          }
          for (const model of models) await model.expectIn(log);
        }),
        { interruptAfterTimeLimit: 1500, markInterruptAsFailure: false, numRuns: 200 },
      );
    }));
}
