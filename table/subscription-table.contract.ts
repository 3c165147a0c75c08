/** The specification of `subscription-table.ts` as tests, run on every form. */

import { expect, test } from "bun:test";
import { type FrontendId, parseFrontendId, type Topic, topicOf } from "@ovation/protocol";
import fc from "fast-check";
import type { FrontendAddress, SubscriptionTable } from "./subscription-table.ts";

export interface TableUnderTest {
  readonly table: SubscriptionTable;
  /** Lets `ms` pass: on a manual clock, or in real time. */
  pass(ms: number): Promise<void>;
  /** How long leases are in these tests, ms: short where time is real. */
  readonly ttlMs: number;
}

export interface TableContractOptions {
  readonly runs: number;
}

let serial = 0;
/** Unique names for every test, as all share a store. */
export function freshFrontend(): FrontendAddress {
  const id = parseFrontendId(`f${(++serial).toString(36).padStart(7, "0")}`)!;
  return { id, url: `http://127.0.0.1:1/${id}` };
}
export function freshTopic(): Topic {
  return topicOf("video", `t${++serial}`);
}

const LONG_MS = 60_000;

async function idsOf(table: SubscriptionTable, topic: Topic): Promise<FrontendId[]> {
  const [found = []] = await table.lookup([topic]);
  return found.map(({ id }) => id).sort();
}

export function subscriptionTableContract(
  name: string,
  open: () => Promise<TableUnderTest>,
  { runs }: TableContractOptions,
): void {
  lookupContract(name, open);
  leaseContract(name, open);
  generationContract(name, open);
  changeOrderContract(name, open, runs);
  livesContract(name, open, runs);
}

function lookupContract(name: string, open: () => Promise<TableUnderTest>): void {
  test(`${name}: frontends are found with their URLs, in the order of the topics`, async () => {
    const { table } = await open();
    const [a, b] = [freshFrontend(), freshFrontend()];
    const [one, two, none] = [freshTopic(), freshTopic(), freshTopic()];
    await table.renew(a, LONG_MS);
    await table.renew(b, LONG_MS);
    await table.change(a.id, [
      { topic: one, subscribed: true, generation: 1 },
      { topic: two, subscribed: true, generation: 2 },
    ]);
    await table.change(b.id, [{ topic: one, subscribed: true, generation: 1 }]);
    const found = await table.lookup([two, none, one, two]);
    expect(found.map((addresses) => addresses.map(({ id }) => id).sort())).toEqual([
      [a.id],
      [],
      [a.id, b.id].sort(),
      [a.id],
    ]);
    expect(found[0]).toEqual([a]);
    expect(await table.lookup([])).toEqual([]);
  });
}

function leaseContract(name: string, open: () => Promise<TableUnderTest>): void {
  test(`${name}: a lease keeps its mark while it runs, and gets a new one after`, async () => {
    const { table, pass, ttlMs } = await open();
    const a = freshFrontend();
    const first = await table.renew(a, ttlMs);
    expect(await table.renew(a, ttlMs)).toBe(first);
    expect(await Promise.all([table.renew(a, ttlMs), table.renew(a, ttlMs)])).toEqual([
      first,
      first,
    ]);
    await pass(ttlMs * 1.5);
    const second = await table.renew(a, LONG_MS);
    expect(await table.renew(a, LONG_MS)).toBe(second);
    await table.release(a.id);
    await table.release(a.id);
    const third = await table.renew(a, LONG_MS);
    expect(await table.renew(freshFrontend(), LONG_MS)).not.toBe(third);
    expect(new Set([first, second, third]).size).toBe(3);
  });

  test(`${name}: a renewal that is carried out too late shows in the next one's mark`, async () => {
    const { table, pass, ttlMs } = await open();
    const a = freshFrontend();
    const topic = freshTopic();
    const known = await table.renew(a, ttlMs);
    await table.change(a.id, [{ topic, subscribed: true, generation: 1 }]);
    await pass(ttlMs * 1.5);
    // The dead frontend's row is seen, and may be swept.
    await table.lookup([topic]);
    await pass(ttlMs);
    // A renewal that hung since before begins a new lease.
    await table.renew(a, LONG_MS);
    expect(await table.renew(a, LONG_MS)).not.toBe(known);
  });

  test(`${name}: rows count only while the lease runs, and again once put back`, async () => {
    const { table, pass, ttlMs } = await open();
    const [a, b] = [freshFrontend(), freshFrontend()];
    const topic = freshTopic();
    const known = await table.renew(a, ttlMs);
    await table.renew(b, LONG_MS);
    for (const frontend of [a, b])
      await table.change(frontend.id, [{ topic, subscribed: true, generation: 5 }]);
    expect(await idsOf(table, topic)).toEqual([a.id, b.id].sort());
    await pass(ttlMs * 1.5);
    expect(await idsOf(table, topic)).toEqual([b.id]);
    expect(await table.renew(a, LONG_MS)).not.toBe(known);
    await table.change(a.id, [{ topic, subscribed: true, generation: 6 }]);
    expect(await idsOf(table, topic)).toEqual([a.id, b.id].sort());
    await table.release(b.id);
    expect(await idsOf(table, topic)).toEqual([a.id]);
  });
}

function generationContract(name: string, open: () => Promise<TableUnderTest>): void {
  test(`${name}: a frontend's new URL replaces the old one`, async () => {
    const { table } = await open();
    const a = freshFrontend();
    const topic = freshTopic();
    const mark = await table.renew(a, LONG_MS);
    await table.change(a.id, [{ topic, subscribed: true, generation: 1 }]);
    const moved = { id: a.id, url: "http://127.0.0.1:2" };
    expect(await table.renew(moved, LONG_MS)).toBe(mark);
    expect(await table.lookup([topic])).toEqual([[moved]]);
  });

  test(`${name}: a late unsubscribe cannot undo the subscribe that followed it`, async () => {
    const { table } = await open();
    const a = freshFrontend();
    const topic = freshTopic();
    await table.renew(a, LONG_MS);
    await table.change(a.id, [{ topic, subscribed: true, generation: 1 }]);
    await table.change(a.id, [{ topic, subscribed: true, generation: 3 }]);
    await table.change(a.id, [{ topic, subscribed: false, generation: 2 }]);
    expect(await idsOf(table, topic)).toEqual([a.id]);
    await table.change(a.id, [{ topic, subscribed: false, generation: 4 }]);
    expect(await idsOf(table, topic)).toEqual([]);
  });

  test(`${name}: swept rows of a dead frontend stay away, restored ones stay`, async () => {
    const { table, pass, ttlMs } = await open();
    const a = freshFrontend();
    const topics = Array.from({ length: 50 }, freshTopic);
    const known = await table.renew(a, ttlMs);
    await table.change(
      a.id,
      topics.map((topic) => ({ topic, subscribed: true, generation: 1 })),
    );
    await pass(ttlMs * 1.5);
    // The lookup sees the dead rows, and may sweep them from now on, while the frontend returns.
    await table.lookup(topics);
    expect(await table.renew(a, LONG_MS)).not.toBe(known);
    await table.change(
      a.id,
      topics.slice(0, 25).map((topic) => ({ topic, subscribed: true, generation: 2 })),
    );
    await pass(ttlMs);
    const found = await table.lookup(topics.slice(0, 25));
    expect(found.every((addresses) => addresses.length === 1)).toBe(true);
  });
}

function changeOrderContract(
  name: string,
  open: () => Promise<TableUnderTest>,
  runs: number,
): void {
  test(`${name}: the last change counts in any order, unless a subscribe was late`, async () => {
    const { table } = await open();
    const delivery = fc.record({
      // The index of this change among the frontend's changes.
      changes: fc.array(
        fc.record({ subscribed: fc.boolean(), lateness: fc.nat({ max: 6 }), repeat: fc.boolean() }),
        {
          minLength: 1,
          maxLength: 12,
        },
      ),
      renewals: fc.array(fc.nat({ max: 20 }), { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(delivery, { minLength: 1, maxLength: 3 }), async (frontends) => {
        const topic = freshTopic();
        const steps: { at: number; run(): Promise<unknown> }[] = [];
        const expected: { id: FrontendId; must: boolean | undefined }[] = [];
        for (const { changes, renewals } of frontends) {
          const frontend = freshFrontend();
          await table.renew(frontend, LONG_MS);
          const arrivals = changes.flatMap(({ subscribed, lateness, repeat }, index) => {
            const change = { topic, subscribed, generation: index + 1 };
            const first = { at: index + lateness + index / 1000, change };
            return repeat ? [first, { at: first.at + 2.5, change }] : [first];
          });
          arrivals.sort((left, right) => left.at - right.at);
          for (const { at, change } of arrivals)
            steps.push({ at, run: () => table.change(frontend.id, [change]) });
          for (const at of renewals) steps.push({ at, run: () => table.renew(frontend, LONG_MS) });
          expected.push({ id: frontend.id, must: outcome(arrivals.map(({ change }) => change)) });
        }
        steps.sort((left, right) => left.at - right.at);
        // Changes that arrive at about the same time are in flight together.
        for (let index = 0; index < steps.length; index += 3) {
          const together = steps.slice(index, index + 3);
          await (index % 2 === 0
            ? Promise.all(together.map((step) => step.run()))
            : inTurn(together));
        }
        const found = new Set(await idsOf(table, topic));
        for (const { id, must } of expected)
          if (must !== undefined) expect(found.has(id)).toBe(must);
      }),
      { numRuns: runs },
    );
  }, 30_000);
}

function livesContract(name: string, open: () => Promise<TableUnderTest>, runs: number): void {
  test(`${name}: random starts, deaths and returns leave the live frontends' rows`, async () => {
    const { table } = await open();
    const action = fc.oneof(
      fc.record({
        kind: fc.constant("change" as const),
        frontend: fc.nat({ max: 2 }),
        topic: fc.nat({ max: 3 }),
        subscribed: fc.boolean(),
      }),
      fc.record({ kind: fc.constant("renew" as const), frontend: fc.nat({ max: 2 }) }),
      fc.record({ kind: fc.constant("release" as const), frontend: fc.nat({ max: 2 }) }),
      fc.record({ kind: fc.constant("lookup" as const), topic: fc.nat({ max: 3 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        const topics = Array.from({ length: 4 }, freshTopic);
        const frontends = Array.from({ length: 3 }, freshFrontend);
        // Each frontend's own state; it restores everything when renew returns a mark it does not
        // know.
        const wanted = frontends.map(() => new Set<Topic>());
        const alive = frontends.map(() => false);
        const marks = frontends.map((): string | undefined => undefined);
        let generation = 0;
        const put = (index: number, topic: Topic, subscribed: boolean) =>
          table.change(frontends[index]!.id, [{ topic, subscribed, generation: ++generation }]);
        for (const step of actions) {
          if (step.kind === "change") {
            const topic = topics[step.topic]!;
            if (step.subscribed) wanted[step.frontend]!.add(topic);
            else wanted[step.frontend]!.delete(topic);
            await put(step.frontend, topic, step.subscribed);
          } else if (step.kind === "renew") {
            const mark = await table.renew(frontends[step.frontend]!, LONG_MS);
            const ran = mark === marks[step.frontend];
            marks[step.frontend] = mark;
            expect(ran).toBe(alive[step.frontend]!);
            alive[step.frontend] = true;
            if (!ran)
              await Promise.all(
                [...wanted[step.frontend]!].map((topic) => put(step.frontend, topic, true)),
              );
          } else if (step.kind === "release") {
            await table.release(frontends[step.frontend]!.id);
            alive[step.frontend] = false;
          } else {
            const topic = topics[step.topic]!;
            const truth = frontends
              .filter((_, index) => alive[index] && wanted[index]!.has(topic))
              .map(({ id }) => id);
            expect(await idsOf(table, topic)).toEqual(truth.sort());
          }
        }
        for (const [index, frontend] of frontends.entries())
          if (alive[index]) await table.release(frontend.id);
        expect((await table.lookup(topics)).flat()).toEqual([]);
      }),
      { numRuns: runs },
    );
  }, 30_000);
}

/**
 * What must hold at the end: the change with the highest generation, except that a late subscribe
 * after an applied unsubscribe may leave a row (`undefined`: either).
 */
function outcome(
  arrived: readonly { readonly subscribed: boolean; readonly generation: number }[],
): boolean | undefined {
  const last = arrived.reduce((left, right) => (right.generation > left.generation ? right : left));
  if (last.subscribed) return true;
  const at = arrived.indexOf(last);
  return arrived.slice(at).some(({ subscribed }) => subscribed) ? undefined : false;
}

async function inTurn(steps: readonly { run(): Promise<unknown> }[]): Promise<void> {
  for (const step of steps) await step.run();
}
