import { describe, expect, test } from "bun:test";
import { MemoryLog } from "@ovation/log";
import { DEFAULT_POLICY, systemClock, toJsonText, topicOf } from "@ovation/protocol";
import type { Comment } from "../../comment.ts";
import { MENTIONED_AMONG, MENTIONS_MAX, POSSIBLE_MENTIONS_MAX } from "../../limits.ts";
import { findMentioned, findPossiblyMentioned } from "./mentions.ts";

const topic = topicOf("video", "1");

/** A log with a comment of each author; those named in `removed` are removed. */
async function logOf(authors: readonly string[], removed: readonly string[] = []) {
  const log = new MemoryLog({ clock: systemClock, policy: DEFAULT_POLICY });
  const data = (name: string) => ({
    text: removed.includes(name) ? "" : "hello",
    author: { id: `id-${name}`, name, role: "member" },
    ...(removed.includes(name) ? { removed: true } : {}),
  });
  await log.append(
    authors.map((name) => ({ topic, type: "comment", at: 1, data: toJsonText(data(name)) })),
  );
  const comment = (text: string): Comment => ({
    seq: authors.length + 1,
    at: 2,
    text,
    author: { id: "me", name: "me", role: "member" },
  });
  return {
    find: (text: string) => findMentioned(log, topic, comment(text)),
    findPossible: (text: string) => findPossiblyMentioned(log, topic, comment(text)),
  };
}

describe("mentions", () => {
  test("by name or id, in any letter case, whole, the longest name first", async () => {
    const { find } = await logOf(["Ana", "Ana Maria", "b@d"]);
    expect(await find("hi @ANA!")).toEqual(["id-Ana"]);
    expect(await find("hi @ana maria")).toEqual(["id-Ana Maria"]);
    expect(await find("@id-Ana, @b@d")).toEqual(["id-Ana", "id-b@d"]);
    expect(await find("@anastasia, ana, a@b")).toEqual([]);
  });

  test("MENTIONS_MAX members at most", async () => {
    const names = Array.from({ length: MENTIONS_MAX + 1 }, (_, index) => `n${index}`);
    const { find } = await logOf(names);
    expect(await find(names.map((name) => `@${name}`).join(" "))).toHaveLength(MENTIONS_MAX);
  });

  test("MENTIONED_AMONG comments before it have the authors that it can mention", async () => {
    const names = Array.from({ length: MENTIONED_AMONG + 1 }, (_, index) => `n${index}`);
    const { find } = await logOf(names);
    expect(await find("@n0 @n1")).toEqual(["id-n1"]);
  });
});

describe("possible mentions, of a comment that is to be removed", () => {
  test("include authors of removed comments, and every name that fits", async () => {
    const { find, findPossible } = await logOf(["Ana", "Ana Maria", "Zoe"], ["Ana Maria"]);
    expect(await find("@ana maria")).toEqual(["id-Ana"]);
    expect((await findPossible("@ana maria")).toSorted()).toEqual(["id-Ana", "id-Ana Maria"]);
    expect(await findPossible("ana")).toEqual([]);
  });

  test("every mention is a possible one", async () => {
    const names = ["a", "b c", "b", "x@y", "É", "d1"];
    const { find, findPossible } = await logOf(names, ["b", "d1"]);
    for (const text of ["@a@b c", "@É @d1 @d", "@x@y", "@@a", "@b", "@B C."]) {
      const possible = await findPossible(text);
      for (const id of await find(text)) expect(possible).toContain(id);
    }
  });

  test("POSSIBLE_MENTIONS_MAX at most", async () => {
    const names = Array.from({ length: POSSIBLE_MENTIONS_MAX + 5 }, (_, index) => `n${index}`);
    const { findPossible } = await logOf(names);
    expect(await findPossible(names.map((name) => `@${name}`).join(" "))).toHaveLength(
      POSSIBLE_MENTIONS_MAX,
    );
  });
});
