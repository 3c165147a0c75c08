import { expect, test } from "bun:test";
import type { Comment } from "@ovation/client";
import { LOCAL_MAX, REMOVED_MAX, ROWS_MAX, SPARE_ROWS_MAX } from "./limits.ts";
import { CommentStore } from "./list/comment-store.ts";
import { SpareRows } from "./list/spare-rows.ts";

const author = { id: "a", name: "Ana", role: "member" } as const;
const comment = (seq: number): Comment => ({ seq, at: seq, text: `t${seq}`, author });

test("beyond LOCAL_MAX pending comments the oldest leaves the list", () => {
  const store = new CommentStore();
  for (let number = 0; number <= LOCAL_MAX; number++)
    store.startLocal(`key-${number}`, "text", author, number);
  expect(store.localCount).toBe(LOCAL_MAX);
  expect(store.items[0]?.key).toBe("key-1");
});

test("REMOVED_MAX removals are kept: the newest ones", () => {
  const store = new CommentStore();
  for (let seq = 1; seq <= REMOVED_MAX + 1; seq++) store.remove(seq);
  expect(store.add(comment(REMOVED_MAX + 1))).toBe(false);
  expect(store.add(comment(2))).toBe(false);
  expect(store.add(comment(1))).toBe(true);
});

test("beyond ROWS_MAX the oldest comments leave the list", () => {
  const store = new CommentStore();
  for (let seq = 1; seq <= ROWS_MAX + 3; seq++) store.add(comment(seq));
  expect(store.items.map(({ seq }) => seq)).toEqual(
    Array.from({ length: ROWS_MAX }, (_, index) => index + 4),
  );
});

test("SPARE_ROWS_MAX rows are kept for reuse, each once", () => {
  const spare = new SpareRows<number>();
  for (let row = 0; row < SPARE_ROWS_MAX + 5; row++) spare.put(row);
  const taken = Array.from({ length: SPARE_ROWS_MAX + 1 }, () => spare.take());
  expect(new Set(taken.slice(0, -1)).size).toBe(SPARE_ROWS_MAX);
  expect(taken.at(-1)).toBeUndefined();
});
