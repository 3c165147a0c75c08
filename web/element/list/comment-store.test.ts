import { describe, expect, test } from "bun:test";
import type { Author, Comment } from "@ovation/client";
import fc from "fast-check";
import { ROWS_MAX } from "../limits.ts";
import { CommentStore } from "./comment-store.ts";

const ana: Author = { id: "ana", name: "Ana", role: "guest" };
const eve: Author = { id: "eve", name: "Eve", role: "guest" };
const comment = (seq: number, more: Partial<Comment> = {}): Comment => ({
  seq,
  at: seq,
  text: `text ${seq}`,
  author: ana,
  ...more,
});
const seqs = (store: CommentStore): (number | undefined)[] => store.items.map((item) => item.seq);

describe("the comment store", () => {
  test("holds the newest comments once each and in order, whatever the order of arrival", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 500 }), { maxLength: 400 }), (arrivals) => {
        const store = new CommentStore();
        for (const seq of arrivals) store.add(comment(seq));
        const expected = [...new Set(arrivals)].sort((a, b) => a - b);
        // An old one that arrives when the window is full has no place in it.
        expect(seqs(store)).toEqual(expected.slice(-ROWS_MAX));
      }),
      { interruptAfterTimeLimit: 1000 },
    );
  });

  test("an echo keeps its key when it is confirmed, by event or by answer, in either order", () => {
    const store = new CommentStore();
    store.startLocal("mine", "hello", ana, 1);
    expect(store.items).toMatchObject([{ key: "mine", state: "sending" }]);
    expect(store.add(comment(7, { clientId: "mine" }))).toBe(true);
    expect(store.add(comment(7, { clientId: "mine" }))).toBe(false);
    expect(store.items).toMatchObject([{ key: "mine", seq: 7, state: "sent" }]);
  });

  test("another author's comment with my client id is not my echo", () => {
    const store = new CommentStore();
    store.startLocal("mine", "hello", ana, 1);
    store.add(comment(7, { clientId: "mine", author: eve }));
    expect(store.items.map((item) => item.key)).toEqual(["c7", "mine"]);
  });

  test("a failed comment keeps its text until it is retried or discarded", () => {
    const store = new CommentStore();
    store.startLocal("mine", "hello", ana, 1);
    store.failLocal("mine", "network");
    expect(store.items).toMatchObject([{ text: "hello", state: "failed", problem: "network" }]);
    store.startLocal("mine", "hello", ana, 2);
    expect(store.items).toMatchObject([{ state: "sending" }]);
    store.discardLocal("mine");
    expect(store.items).toEqual([]);
  });

  test("what was removed stays away, also when an older history answer brings it", () => {
    const store = new CommentStore();
    store.add(comment(1));
    store.remove(2);
    store.add(comment(2));
    store.replace([comment(1), comment(2), comment(3)]);
    expect(seqs(store)).toEqual([1, 3]);
  });

  test("a snapshot replaces what is there, keeps keys, and loses nothing newer than itself", () => {
    const store = new CommentStore();
    store.startLocal("mine", "hello", ana, 1);
    for (const seq of [1, 2, 3]) store.add(comment(seq, seq === 2 ? { clientId: "mine" } : {}));
    store.add(comment(9));
    store.replace([comment(2), comment(5)]);
    expect(store.items.map((item) => item.key)).toEqual(["mine", "c5", "c9"]);
  });

  test("after the stream lost its place only the snapshot and what came since count", () => {
    const store = new CommentStore();
    for (const seq of [1, 2, 300]) store.add(comment(seq));
    store.remove(4);
    store.expire();
    store.add(comment(6));
    // Numbers of another log: this one never had 300, and its 4 is another comment.
    store.replace([comment(2), comment(4)]);
    expect(seqs(store)).toEqual([2, 4, 6]);
  });
});
