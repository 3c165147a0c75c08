/** The specification of `shared-store.ts` as tests, run on every form. */

import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  SHARED_KEY_CHARACTERS_MAX,
  SHARED_VALUE_CHARACTERS_MAX,
  type SharedStore,
} from "./shared-store.ts";

export interface SharedStoreUnderTest {
  readonly store: SharedStore;
  pass(ms: number): Promise<void>;
}

let serial = 0;
const freshKey = () => `key ${++serial}`;

export function sharedStoreContract(name: string, open: () => Promise<SharedStoreUnderTest>): void {
  textContract(name, open);
  bucketContract(name, open);
  claimContract(name, open);
  valueContract(name, open);
}

function textContract(name: string, open: () => Promise<SharedStoreUnderTest>): void {
  test(`${name}: SHARED_KEY_CHARACTERS_MAX, SHARED_VALUE_CHARACTERS_MAX hold`, async () => {
    const { store } = await open();
    const key = freshKey().padEnd(SHARED_KEY_CHARACTERS_MAX, "k");
    const value = "v".repeat(SHARED_VALUE_CHARACTERS_MAX);
    await store.set(key, value, 60_000);
    expect(await store.get([key])).toEqual([value]);
    const refused = [
      async () => store.set(`${key}k`, value, 60_000),
      async () => store.set(key, `${value}v`, 60_000),
      async () => store.take(`${key}k`, 1, 4, 2000),
      async () => store.claim(`${key}k`, 1000),
    ];
    for (const call of refused)
      expect(await call().catch((error: unknown) => error)).toBeInstanceOf(RangeError);
  });
}

function bucketContract(name: string, open: () => Promise<SharedStoreUnderTest>): void {
  test(`${name}: a bucket gives its limit, then says how long to wait, then refills`, async () => {
    const { store, pass } = await open();
    const key = freshKey();
    // Half a second per unit: slow compared with the calls themselves.
    for (let taken = 0; taken < 4; taken++)
      expect(await store.take(key, 1, 4, 2000)).toEqual({ ok: true, retryAfterMs: 0 });
    const refused = await store.take(key, 1, 4, 2000);
    expect(refused.ok).toBe(false);
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(500);
    expect((await store.take(freshKey(), 1, 4, 2000)).ok).toBe(true);
    await pass(refused.retryAfterMs + 20);
    expect((await store.take(key, 1, 4, 2000)).ok).toBe(true);
  });

  test(`${name}: takes all or nothing, and never more than the limit`, async () => {
    const { store } = await open();
    const key = freshKey();
    expect(await store.take(key, 11, 10, 60_000)).toEqual({ ok: false, retryAfterMs: 60_000 });
    expect((await store.take(key, 8, 10, 60_000)).ok).toBe(true);
    const refused = await store.take(key, 3, 10, 60_000);
    expect(refused.ok).toBe(false);
    expect(refused.retryAfterMs).toBeGreaterThan(4000);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(6000);
    expect((await store.take(key, 2, 10, 60_000)).ok).toBe(true);
  });

  test(`${name}: concurrent takes of any size get the limit together and no more`, async () => {
    const { store } = await open();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 30 }),
        async (amounts) => {
          const key = freshKey();
          const limit = 20;
          const answers = await Promise.all(
            amounts.map((amount) => store.take(key, amount, limit, 3_600_000)),
          );
          let taken = 0;
          for (const [index, { ok }] of answers.entries()) if (ok) taken += amounts[index]!;
          expect(taken).toBeLessThanOrEqual(limit);
          for (const [index, { ok }] of answers.entries())
            if (!ok) expect(taken + amounts[index]!).toBeGreaterThan(limit);
        },
      ),
      { numRuns: 50 },
    );
  });
}

function claimContract(name: string, open: () => Promise<SharedStoreUnderTest>): void {
  test(`${name}: a claim is had once, until it expires`, async () => {
    const { store, pass } = await open();
    const key = freshKey();
    const claims = await Promise.all(Array.from({ length: 20 }, () => store.claim(key, 300)));
    expect(claims.filter(({ mine }) => mine)).toHaveLength(1);
    await pass(350);
    expect((await store.claim(key, 300)).mine).toBe(true);
  });

  test(`${name}: its identity is the same text as long as no key was lost`, async () => {
    const { store, pass } = await open();
    const key = freshKey();
    const { life } = await store.claim(key, 10_000);
    expect(life).not.toBe("");
    await pass(20);
    expect(await store.claim(key, 10_000)).toEqual({ mine: false, life });
    expect(await store.claim(freshKey(), 10)).toEqual({ mine: true, life });
  });
}

function valueContract(name: string, open: () => Promise<SharedStoreUnderTest>): void {
  test(`${name}: values are returned in the order of their keys, until they expire`, async () => {
    const { store, pass } = await open();
    const [one, two, none] = [freshKey(), freshKey(), freshKey()];
    await store.set(one, "1", 300);
    await store.set(two, "zwei — 二", 60_000);
    expect(await store.get([two, none, one])).toEqual(["zwei — 二", undefined, "1"]);
    await store.set(two, "", 60_000);
    await pass(350);
    expect(await store.get([one, two])).toEqual([undefined, ""]);
    expect(await store.get([])).toEqual([]);
  });

  test(`${name}: keys and values that are too long are a programming error`, async () => {
    const { store } = await open();
    expect(store.set("k", "x".repeat(4097), 1000)).rejects.toThrow(RangeError);
    expect(store.claim("k".repeat(257), 1000)).rejects.toThrow(RangeError);
    expect(store.take("", 1, 1, 1000)).rejects.toThrow(RangeError);
  });
}
