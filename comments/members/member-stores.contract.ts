/** What every form of the members' stores keeps to. */

import { describe, expect, test } from "bun:test";
import type { MemberStores } from "./member-stores.ts";

let number = 0;
const newId = (name: string) => `${name}-${++number}`;

/** `another` answers stores on the same data, as another process has them. */
export function testMemberStores(
  name: string,
  open: () => Promise<MemberStores>,
  another: () => Promise<MemberStores>,
): void {
  describe(`member stores: ${name}`, () => {
    testMembers(open, another);
    testSanctions(open);
    testConversations(open);
    testRetention(open, another);
    testNotices(open);
    testOldConversations(open);
    testOrder(open, another);
  });
}

function testMembers(
  open: () => Promise<MemberStores>,
  another: () => Promise<MemberStores>,
): void {
  describe("members", () => {
    test("profiles are what was last said", async () => {
      const { members } = await open();
      const [ana, ben] = [newId("ana"), newId("ben")];
      await members.remember(
        [
          { id: ben, name: "Ben", role: "guest" },
          { id: ana, name: "Ana", role: "member", avatar: "https://example.org/a.png" },
        ],
        1,
      );
      await members.remember([{ id: ben, name: "Ben B", role: "moderator" }], 2);
      await members.remember([], 3);
      const profiles = await members.profiles([ana, ben, newId("nobody")]);
      expect(Object.fromEntries(profiles)).toEqual({
        [ana]: { id: ana, name: "Ana", role: "member", avatar: "https://example.org/a.png" },
        [ben]: { id: ben, name: "Ben B", role: "moderator" },
      });
      expect((await members.profiles([])).size).toBe(0);
      const staff = await members.staff(1_000_000);
      expect(staff.filter(({ id }) => id === ana || id === ben)).toEqual([
        { id: ben, name: "Ben B", role: "moderator" },
      ]);
    });

    test("a guest is claimed by one member of several that try at once", async () => {
      const stores = [await open(), await another()];
      const guest = newId("guest");
      const winners = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (stores[index % 2] as MemberStores).members.claimGuest(guest, `m${index}`, 9_000_000_000),
        ),
      );
      expect(new Set(winners).size).toBe(1);
      const owners = await (stores[1] as MemberStores).members.ownersOf([guest, newId("guest")]);
      expect([...owners]).toEqual([[guest, winners[0] as string]]);
    });

    test("blocks are set, listed and lifted", async () => {
      const { blocks } = await open();
      const [ana, ben] = [newId("ana"), newId("ben")];
      await blocks.set(ana, ben, true);
      await blocks.set(ana, ben, true);
      expect(await blocks.between(ana, ben)).toEqual([ana]);
      expect(await blocks.between(ben, ana)).toEqual([ana]);
      expect(await blocks.list(ana, 10)).toEqual([ben]);
      await blocks.set(ana, ben, false);
      expect(await blocks.between(ben, ana)).toEqual([]);
    });
  });
}

function testSanctions(open: () => Promise<MemberStores>): void {
  describe("sanctions", () => {
    test("sanctions are in force until they end, one per place", async () => {
      const { sanctions } = await open();
      const ana = newId("ana");
      const base = { member: ana, reason: "spam", at: 1, by: "mo" };
      await sanctions.put({ ...base, video: "v", kind: "time-out", until: 1_000 });
      await sanctions.put({ ...base, video: "", kind: "ban", until: null });
      expect((await sanctions.of(ana, 999)).map(({ video, kind }) => [video, kind]).sort()).toEqual(
        [
          ["", "ban"],
          ["v", "time-out"],
        ],
      );
      expect(await sanctions.of(ana, 1_000)).toEqual([
        { ...base, video: "", kind: "ban", until: null },
      ]);
      await sanctions.put({ ...base, video: "v", kind: "time-out", until: 5_000, at: 2 });
      expect(
        (await sanctions.list("v", 2_000, 10)).filter(({ member }) => member === ana),
      ).toHaveLength(1);
      expect(await sanctions.remove(ana, "")).toBe(true);
      expect(await sanctions.remove(ana, "")).toBe(false);
    });
  });
}

function testConversations(open: () => Promise<MemberStores>): void {
  describe("conversations", () => {
    test("a conversation has two sides, and cursors that only rise", async () => {
      const { conversations } = await open();
      const [ana, ben] = [newId("ana"), newId("ben")];
      expect(await conversations.find(ana, ben)).toBeUndefined();
      expect(await conversations.advance(ana, ben, { seen: 1, delivered: 1 })).toBeUndefined();
      await conversations.record({ from: ana, to: ben, number: 1, at: 10, text: "hi" });
      await conversations.record({ from: ana, to: ben, number: 2, at: 20, text: "there" });
      await conversations.record({ from: ana, to: ben, number: 1, at: 10, text: "hi" });
      expect(await conversations.find(ben, ana)).toEqual({
        other: ana,
        last: 2,
        lastAt: 20,
        lastFrom: ana,
        lastText: "there",
        heard: true,
        seen: 0,
        delivered: 0,
        otherSeen: 2,
        otherDelivered: 2,
      });
      expect(await conversations.find(ana, ben)).toMatchObject({ heard: false });
      expect(await conversations.unread(ben)).toBe(2);
      expect(await conversations.unread(ana)).toBe(0);
      expect(await conversations.advance(ben, ana, { seen: 1, delivered: 0 })).toEqual({
        seen: 1,
        delivered: 1,
        rose: true,
      });
      expect(await conversations.advance(ben, ana, { seen: 0, delivered: 1 })).toEqual({
        seen: 1,
        delivered: 1,
        rose: false,
      });
      expect(await conversations.advance(ben, ana, { seen: 99, delivered: 99 })).toEqual({
        seen: 2,
        delivered: 2,
        rose: true,
      });
      await conversations.record({ from: ben, to: ana, number: 3, at: 30, text: "yes" });
      expect(await conversations.find(ana, ben)).toMatchObject({
        last: 3,
        lastFrom: ben,
        seen: 2,
        otherSeen: 3,
      });
      expect(await conversations.unread(ana)).toBe(1);
      await conversations.record({ from: ana, to: ben, number: 4, at: 40, text: "and" });
      expect(await conversations.find(ana, ben)).toMatchObject({ heard: true });
    });

    test("conversations are listed the newest first, in pages", async () => {
      const { conversations } = await open();
      const ana = newId("ana");
      const others = Array.from({ length: 5 }, () => newId("other"));
      for (const [index, other] of others.entries())
        await conversations.record({ from: other, to: ana, number: 1, at: 100 + index, text: "x" });
      const first = await conversations.list(ana, 2);
      expect(first.map(({ other }) => other)).toEqual([others[4], others[3]] as string[]);
      const second = await conversations.list(ana, 10, { at: first[1]?.lastAt ?? 0, id: "" });
      expect(second.map(({ other }) => other)).toEqual([
        others[2],
        others[1],
        others[0],
      ] as string[]);
    });
  });
}

function testRetention(
  open: () => Promise<MemberStores>,
  another: () => Promise<MemberStores>,
): void {
  describe("what is old", () => {
    test("old guests and ended sanctions are dropped, others stay", async () => {
      const { members, sanctions } = await open();
      const [gus, ana, late] = [newId("gus"), newId("ana"), newId("late")];
      const profile = (id: string, role: "guest" | "member") => ({ id, name: id, role });
      await members.remember([profile(gus, "guest"), profile(ana, "member")], -2_000);
      await members.remember([profile(late, "guest")], -1_000);
      expect(await members.forgetGuests(-1_000, 0, 100)).toBe(1);
      expect([...(await members.profiles([gus, ana, late])).keys()].sort()).toEqual(
        [ana, late].sort(),
      );
      const base = { member: gus, reason: "", at: -9_000, by: "mo" } as const;
      await sanctions.put({ ...base, video: "v", kind: "time-out", until: -2_000 });
      await sanctions.put({ ...base, video: "w", kind: "time-out", until: -1_000 });
      await sanctions.put({ ...base, video: "", kind: "ban", until: null });
      expect(await sanctions.forgetEnded(-1_000, 100)).toBe(1);
      expect((await sanctions.of(gus, -5_000)).map(({ video }) => video).sort()).toEqual(["", "w"]);
    });

    test("which member a guest became is forgotten when it is old", async () => {
      const { members } = await open();
      const [early, late] = [newId("guest"), newId("guest")];
      await members.claimGuest(early, "ana", -2_000);
      await members.claimGuest(late, "ana", -1_000);
      expect(await members.forgetLinks(-1_000, 0, 100)).toBe(1);
      expect([...(await members.ownersOf([early, late])).keys()]).toEqual([late]);
    });

    test("addresses of guests and their sanctions are found until they end", async () => {
      const { addresses } = await open();
      const other = (await another()).addresses;
      const [gus, gil, here, there] = [newId("gus"), newId("gil"), newId("here"), newId("there")];
      await addresses.note(gus, there, -9_000);
      await addresses.note(gus, here, -5_000);
      expect(await other.addressOf(gus, -5_000)).toBe(here);
      expect(await other.addressOf(gus, -4_999)).toBeUndefined();
      expect(await other.addressOf(gil, -9_000)).toBeUndefined();
      await addresses.put({ address: here, video: "v", guest: gus, until: -3_000 });
      await addresses.put({ address: here, video: "v", guest: gus, until: -2_000 });
      await addresses.put({ address: here, video: "", guest: gil, until: -1_000 });
      expect(
        (await other.of(here, -2_500)).map(({ guest, until }) => [guest, until]).sort(),
      ).toEqual(
        [
          [gil, -1_000],
          [gus, -2_000],
        ].sort(),
      );
      expect(await other.of(here, -1_000)).toEqual([]);
      expect(await other.remove(gil, "")).toEqual([here]);
      expect(await other.remove(gil, "")).toEqual([]);
      expect(await addresses.forget({ seen: -5_000, ended: -2_001 }, 10)).toBe(0);
      expect(await addresses.forget({ seen: -4_999, ended: -2_000 }, 10)).toBe(2);
    });
  });
}

function testNotices(open: () => Promise<MemberStores>): void {
  describe("what members were told", () => {
    test("who was told of a comment is known until it is forgotten", async () => {
      const { notices } = await open();
      const video = newId("video");
      const told = { video, seq: 5, members: ["ana", "ben"], at: -3_000 };
      await notices.note(told);
      await notices.note(told);
      await notices.note({ ...told, seq: 6, members: ["cy"], at: -2_000 });
      await notices.note({ ...told, seq: 7, members: [] });
      expect((await notices.list(video, 10, 5)).map(({ member }) => member)).toEqual([
        "ana",
        "ben",
      ]);
      expect(await notices.list(video, 10)).toHaveLength(3);
      expect(await notices.list(video, 2)).toHaveLength(2);
      await notices.remove(video, 5, "ana");
      expect(await notices.list(video, 10, 5)).toEqual([{ seq: 5, member: "ben", at: -3_000 }]);
      expect(await notices.forget(-2_000, 10)).toBe(1);
      expect(await notices.list(video, 10)).toEqual([{ seq: 6, member: "cy", at: -2_000 }]);
    });

    test("the progress of the pass over notifications is stored, and replaced", async () => {
      const { notices } = await open();
      for (const progress of [
        { stamp: Number.MAX_SAFE_INTEGER, isDone: false },
        { stamp: 0, isDone: true },
      ]) {
        await notices.setLinkProgress(progress);
        expect(await notices.linkProgress()).toEqual(progress);
      }
      await notices.setLinkProgress({ stamp: 0, isDone: false });
    });
  });
}

function testOldConversations(open: () => Promise<MemberStores>): void {
  describe("conversations that are old", () => {
    test("old conversations are dropped on both sides, and inboxes stay unchanged", async () => {
      const { conversations, inboxes } = await open();
      const [ana, ben, cleo] = [newId("ana"), newId("ben"), newId("cleo")];
      await conversations.record({ from: ana, to: ben, number: 1, at: -20, text: "old" });
      await conversations.record({ from: ana, to: cleo, number: 1, at: -10, text: "new" });
      expect(await conversations.forget(-10, 100)).toBe(2);
      expect(await conversations.find(ben, ana)).toBeUndefined();
      expect(await conversations.list(ana, 10)).toMatchObject([{ other: cleo }]);
      expect(await conversations.forget(0, 1)).toBe(1);
      expect(await conversations.forget(0, 100)).toBe(1);
      expect(await inboxes.isOpen(ana)).toBe(true);
      await inboxes.setOpen(ana, false);
      await inboxes.setOpen(ana, false);
      expect([await inboxes.isOpen(ana), await inboxes.isOpen(ben)]).toEqual([false, true]);
      await inboxes.setOpen(ana, true);
      expect(await inboxes.isOpen(ana)).toBe(true);
    });
  });
}

function testOrder(open: () => Promise<MemberStores>, another: () => Promise<MemberStores>): void {
  describe("order", () => {
    test("pages continue between rows of the same time", async () => {
      const { conversations, sanctions } = await open();
      const [ana, video] = [newId("ana"), newId("video")];
      const ids = Array.from({ length: 7 }, (_, index) => `same-${index}`);
      for (const other of ids) {
        await conversations.record({ from: other, to: ana, number: 1, at: 100, text: "x" });
        const sanction = { member: other, video, kind: "ban", until: null, reason: "" } as const;
        await sanctions.put({ ...sanction, at: 50, by: "mo" });
      }
      const listed: string[] = [];
      const banned: string[] = [];
      for (let page = 0; page < 4; page++) {
        const after = (at: number, all: readonly string[]) =>
          page === 0 ? undefined : { at, id: all.at(-1) ?? "" };
        for (const { other } of await conversations.list(ana, 2, after(100, listed)))
          listed.push(other);
        for (const { member } of await sanctions.list(video, 1, 2, after(50, banned)))
          banned.push(member);
      }
      expect([listed, banned]).toEqual([ids, ids]);
    });

    test("two who write to each other at once do not wait for each other for ever", async () => {
      const stores = [await open(), await another()];
      const [ana, ben] = [newId("ana"), newId("ben")];
      await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          (stores[index % 2] as MemberStores).conversations.record(
            index % 2 === 0
              ? { from: ana, to: ben, number: index, at: index, text: "" }
              : { from: ben, to: ana, number: index, at: index, text: "" },
          ),
        ),
      );
      expect(await (stores[0] as MemberStores).conversations.find(ana, ben)).toMatchObject({
        last: 39,
        lastFrom: ben,
        seen: 38,
        otherSeen: 39,
      });
    });
  });
}
