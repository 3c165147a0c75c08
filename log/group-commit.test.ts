import { describe, expect, test } from "bun:test";
import { toJsonText, topicOf } from "@ovation/protocol";
import { settle } from "../testing/manual-clock.ts";
import { type Call, GroupCommit } from "./group-commit.ts";
import {
  GROUP_CHARACTERS_MAX,
  GROUP_ENTRIES_MAX,
  QUEUE_CHARACTERS_MAX,
  QUEUE_ENTRIES_MAX,
} from "./limits.ts";
import { type Appended, type LogEntry, LogFullError, LogUnavailableError } from "./log.ts";

const topic = topicOf("video", "1");
function entry(text: string): LogEntry {
  return { topic, type: "comment", at: 1, data: toJsonText(text) };
}

/** A commit that waits until it is told how to end. */
function controlled() {
  const groups: { readonly calls: readonly Call[]; succeed(): void; fail(error: Error): void }[] =
    [];
  let seq = 0;
  const commit = (calls: readonly Call[]) =>
    new Promise<readonly (readonly Appended[])[]>((resolve, reject) => {
      const results = calls.map((call) =>
        call.map(() => ({ place: { seq: ++seq, epoch: "a", stamp: 1 }, at: 1, duplicate: false })),
      );
      groups.push({ calls, succeed: () => resolve(results), fail: reject });
    });
  return { groups, commit };
}

describe("group commit", () => {
  test("commits at once when idle, and everything that came meanwhile together", async () => {
    const { groups, commit } = controlled();
    const commits = new GroupCommit({ commit, inFlightMax: 1 });
    const first = commits.append([entry("1")]);
    await settle();
    expect(groups.map((group) => group.calls.length)).toEqual([1]);
    const later = [2, 3, 4].map((number) => commits.append([entry(`${number}`)]));
    await settle();
    expect(groups).toHaveLength(1);
    groups[0]?.succeed();
    expect((await first)[0]?.place.seq).toBe(1);
    await settle();
    expect(groups.map((group) => group.calls.length)).toEqual([1, 3]);
    groups[1]?.succeed();
    expect((await Promise.all(later)).map(([one]) => one?.place.seq)).toEqual([2, 3, 4]);
  });

  test("never has more transactions in flight than its bound", async () => {
    const { groups, commit } = controlled();
    const commits = new GroupCommit({ commit, inFlightMax: 2 });
    for (let index = 0; index < 5; index++) {
      void commits.append([entry("x")]);
      await settle();
    }
    expect(groups.map((group) => group.calls.length)).toEqual([1, 1]);
  });

  test("refuses entries while its queue is full, and accepts them again afterwards", async () => {
    const { groups, commit } = controlled();
    const commits = new GroupCommit({ commit, inFlightMax: 1, queueEntriesMax: 3 });
    const running = commits.append([entry("running")]);
    await settle();
    const waiting = commits.append([entry("1"), entry("2")]);
    await expect(commits.append([entry("3"), entry("4")])).rejects.toThrow(LogUnavailableError);
    await expect(commits.append([entry("3"), entry("4")])).rejects.toThrow(/overloaded/);
    const last = commits.append([entry("3")]);
    expect(commits.waiting).toBe(3);
    groups[0]?.succeed();
    await running;
    await settle();
    groups[1]?.succeed();
    await Promise.all([waiting, last]);
    expect(commits.waiting).toBe(0);
  });

  test("does not split a call, and lets a very large one go alone", async () => {
    const { groups, commit } = controlled();
    const commits = new GroupCommit({ commit, inFlightMax: 1 });
    void commits.append(Array.from({ length: GROUP_ENTRIES_MAX + 1 }, () => entry("large")));
    void commits.append([entry("small")]);
    await settle();
    groups[0]?.succeed();
    await settle();
    expect(groups.map((group) => group.calls.map((call) => call.length))).toEqual([
      [GROUP_ENTRIES_MAX + 1],
      [1],
    ]);
  });

  test("rejects a whole group when the disk is full, and continues with the next", async () => {
    const { groups, commit } = controlled();
    const commits = new GroupCommit({ commit, inFlightMax: 1 });
    const failed = Promise.allSettled([commits.append([entry("1")]), commits.append([entry("2")])]);
    await settle();
    groups[0]?.fail(new LogFullError("full"));
    for (const one of await failed)
      expect(one).toMatchObject({ status: "rejected", reason: { name: "LogFullError" } });
    const next = commits.append([entry("3")]);
    await settle();
    groups[1]?.succeed();
    expect(await next).toHaveLength(1);
  });

  test("tries the calls of a group one by one when an entry is to blame", async () => {
    const commits = new GroupCommit({
      inFlightMax: 1,
      commit: async (calls) => {
        if (calls.some((call) => call.some((one) => one.data === '"poison"')))
          throw new Error("cannot store this");
        return calls.map((call) =>
          call.map(() => ({ place: { seq: 1, epoch: "a", stamp: 1 }, at: 1, duplicate: false })),
        );
      },
    });
    const [good, bad, alsoGood] = ["good", "poison", "also good"].map((text) =>
      commits.append([entry(text)]),
    );
    expect(await good).toHaveLength(1);
    await expect(bad).rejects.toThrow("cannot store this");
    expect(await alsoGood).toHaveLength(1);
  });

  test("closes when everything that waits is committed", async () => {
    const { groups, commit } = controlled();
    const commits = new GroupCommit({ commit, inFlightMax: 1 });
    const waiting = commits.append([entry("1")]);
    let isClosed = false;
    const closing = commits.close().then(() => {
      isClosed = true;
    });
    await expect(commits.append([entry("2")])).rejects.toThrow(LogUnavailableError);
    await settle();
    expect(isClosed).toBe(false);
    groups[0]?.succeed();
    await closing;
    expect(await waiting).toHaveLength(1);
  });
});

describe("the bounds of group commit", () => {
  const large = () => entry("x".repeat(60_000));

  test("GROUP_CHARACTERS_MAX: what is beyond goes with the next transaction", async () => {
    const { groups, commit } = controlled();
    const commits = new GroupCommit({ commit, inFlightMax: 1 });
    void commits.append([entry("running")]);
    await settle();
    const count = Math.ceil(GROUP_CHARACTERS_MAX / 60_000) + 3;
    for (let index = 0; index < count; index++) void commits.append([large()]);
    groups[0]?.succeed();
    await settle();
    const first = groups[1]?.calls.length ?? 0;
    expect(first * 60_000).toBeLessThanOrEqual(GROUP_CHARACTERS_MAX);
    expect(first).toBeGreaterThan(0);
    groups[1]?.succeed();
    await settle();
    expect(first + (groups[2]?.calls.length ?? 0)).toBe(count);
  });

  test("QUEUE_ENTRIES_MAX: one entry more is refused at once", async () => {
    const { groups, commit } = controlled();
    const commits = new GroupCommit({ commit, inFlightMax: 1 });
    void commits.append([entry("running")]);
    await settle();
    expect(groups).toHaveLength(1);
    void commits.append(Array.from({ length: QUEUE_ENTRIES_MAX }, () => entry("x")));
    await expect(commits.append([entry("x")])).rejects.toThrow(LogUnavailableError);
    expect(commits.waiting).toBe(QUEUE_ENTRIES_MAX);
  });

  test("QUEUE_CHARACTERS_MAX: what would be beyond is refused at once", async () => {
    const { groups, commit } = controlled();
    const commits = new GroupCommit({ commit, inFlightMax: 1 });
    void commits.append([entry("running")]);
    await settle();
    expect(groups).toHaveLength(1);
    let taken = 0;
    let refused: unknown;
    while (refused === undefined && taken * 60_000 < 2 * QUEUE_CHARACTERS_MAX) {
      taken++;
      commits.append([large()]).catch((error: unknown) => {
        refused = error;
      });
      await Promise.resolve();
      await Promise.resolve();
    }
    expect(refused).toBeInstanceOf(LogUnavailableError);
    expect(taken * 60_000).toBeGreaterThan(QUEUE_CHARACTERS_MAX * 0.9);
    expect(taken * 60_000).toBeLessThan(QUEUE_CHARACTERS_MAX * 1.1 + 120_000);
  });
});
