/** What every form of the video store keeps to. */

import { describe, expect, test } from "bun:test";
import type { VideoStore } from "./video-store.ts";

let number = 0;
const newId = () => `contract-${++number}`;
/** A flush that no store has seen. */
const fresh = () => ({ writer: `writer-${++number}`, number: 1 });

/** `open` answers one store; `another` a second one on the same data, as another process has it. */
export function testVideoStore(
  name: string,
  open: () => Promise<VideoStore>,
  another: () => Promise<VideoStore>,
): void {
  describe(`video store: ${name}`, () => {
    testUse(open);
    testCounts(open, another);
    testList(open);
    testDeletion(open);
    testRetention(open);
  });
}

function testUse(open: () => Promise<VideoStore>): void {
  describe("use", () => {
    test("a video without any use is not there", async () => {
      const store = await open();
      expect(await store.read([newId(), newId()])).toEqual([undefined, undefined]);
      expect(await store.read([])).toEqual([]);
      expect(await store.addLikes([], 1, fresh())).toEqual([]);
    });

    test("put makes and changes, and leaves counts alone", async () => {
      const store = await open();
      const id = newId();
      const made = await store.put(
        id,
        { title: "A 'title' — ñ 👋", media: [{ src: "/a.mp4", type: "video/mp4" }] },
        1_000,
      );
      expect(made).toMatchObject({
        id,
        title: "A 'title' — ñ 👋",
        live: true,
        closed: false,
        createdAt: 1_000,
        comments: 0,
        likes: {},
      });
      await store.addLikes([{ id, likes: { like: 2 } }], 2_000, fresh());
      await store.count(id, { after: 0, upTo: 3, comments: 3 }, 2_000);
      const changed = await store.put(id, { live: false, closed: true }, 3_000);
      expect(changed).toEqual({
        ...made,
        live: false,
        closed: true,
        activeAt: 3_000,
        comments: 3,
        counted: 3,
        likes: { like: 2 },
      });
      expect(changed.listed).toBe(true);
      expect(await store.read([newId(), id])).toEqual([undefined, changed]);
    });

    test("likes make the video, add up, and answer all totals in the order asked", async () => {
      const store = await open();
      const [a, b] = [newId(), newId()];
      const first = await store.addLikes(
        [
          { id: b, likes: {} },
          { id: a, likes: { like: 5, love: 1 } },
        ],
        1,
        fresh(),
      );
      expect(first).toEqual([{}, { like: 5, love: 1 }]);
      expect(await store.addLikes([{ id: a, likes: { like: 1 } }], 2, fresh())).toEqual([
        { like: 6, love: 1 },
      ]);
      expect((await store.read([b]))[0]).toMatchObject({ live: true, title: "", comments: 0 });
    });
  });
}

function testCounts(open: () => Promise<VideoStore>, another: () => Promise<VideoStore>): void {
  describe("counts", () => {
    test("events are counted once, however many count them", async () => {
      const stores = [await open(), await another()];
      const id = newId();
      const once = { after: 0, upTo: 7, comments: 5 };
      const counted = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          (stores[index % 2] as VideoStore).count(id, once, 1),
        ),
      );
      expect(counted.filter(Boolean)).toHaveLength(1);
      expect(await (stores[0] as VideoStore).count(id, { after: 3, upTo: 9, comments: 1 }, 2)).toBe(
        false,
      );
      expect(
        await (stores[0] as VideoStore).count(id, { after: 7, upTo: 9, comments: -1 }, 2),
      ).toBe(true);
      expect((await (stores[1] as VideoStore).read([id]))[0]).toMatchObject({
        comments: 4,
        counted: 9,
      });
    });

    test("a total takes the place of what was counted before", async () => {
      const store = await open();
      const id = newId();
      await store.count(id, { after: 0, upTo: 7, comments: 5 }, 1);
      expect(await store.count(id, { after: 0, upTo: 9, comments: 70, isTotal: true }, 2)).toBe(
        false,
      );
      expect(await store.count(id, { after: 7, upTo: 3, comments: 2, isTotal: true }, 2)).toBe(
        true,
      );
      expect((await store.read([id]))[0]).toMatchObject({ comments: 2, counted: 3 });
    });

    test("several processes add up exactly", async () => {
      const stores = [await open(), await another()];
      const ids = [newId(), newId(), newId()];
      await Promise.all(
        Array.from({ length: 60 }, (_, index) =>
          (stores[index % 2] as VideoStore).addLikes(
            (index % 4 < 2 ? ids : ids.toReversed()).map((id) => ({
              id,
              likes: { like: 2, clap: 1 },
            })),
            index,
            fresh(),
          ),
        ),
      );
      for (const store of stores) {
        for (const video of await store.read(ids))
          expect(video).toMatchObject({ likes: { like: 120, clap: 60 } });
      }
    });

    test("a repeated flush adds nothing and returns the totals, at any process", async () => {
      const [store, other] = [await open(), await another()];
      const [id, writer] = [newId(), newId()];
      const changes = [{ id, likes: { like: 3 } }];
      const send = (at: VideoStore, number: number) => at.addLikes(changes, 1, { writer, number });
      expect(await send(store, 1)).toEqual([{ like: 3 }]);
      expect(await send(store, 1)).toEqual([{ like: 3 }]);
      expect(await send(other, 1)).toEqual([{ like: 3 }]);
      expect(await send(other, 2)).toEqual([{ like: 6 }]);
      expect(await send(store, 1)).toEqual([{ like: 6 }]);
      const together = await Promise.all([store, other, store, other].map((at) => send(at, 3)));
      expect(together).toEqual(Array.from({ length: 4 }, () => [{ like: 9 }]));
    });
  });
}

function testList(open: () => Promise<VideoStore>): void {
  describe("list", () => {
    test("the list has live videos first, then the newest activity", async () => {
      const store = await open();
      const [old, ended, recent] = [newId(), newId(), newId()];
      await store.put(old, { live: true }, 9_000_000_001);
      await store.put(ended, { live: false }, 9_000_000_009);
      await store.put(recent, { live: true }, 9_000_000_005);
      const ids = (await store.list(100)).map(({ id }) => id);
      expect(ids.indexOf(recent)).toBeLessThan(ids.indexOf(old));
      expect(ids.indexOf(old)).toBeLessThan(ids.indexOf(ended));
      expect(await store.list(1)).toHaveLength(1);
    });

    test("only what was put or marked is listed, in pages from any cursor", async () => {
      const store = await open();
      const [put, marked, liked, counted] = [newId(), newId(), newId(), newId()];
      const now = 9_100_000_000;
      await store.addLikes([{ id: liked, likes: { like: 9 } }], now, fresh());
      await store.count(counted, { after: 0, upTo: 1, comments: 1 }, now);
      await store.addLikes([{ id: marked, likes: { like: 1 } }], now, fresh());
      await store.markListed(marked, now);
      await store.put(put, {}, now);
      const ended = newId();
      await store.put(ended, { live: false }, now);
      const seen: string[] = [];
      for (
        let page = await store.list(1);
        page[0] !== undefined;
        page = await store.list(1, page[0])
      )
        seen.push(page[0].id);
      expect(seen.filter((id) => [put, marked, liked, counted, ended].includes(id))).toEqual([
        ...[put, marked].sort(),
        ended,
      ]);
      expect(new Set(seen).size).toBe(seen.length);
      expect((await store.read([marked]))[0]).toMatchObject({ likes: { like: 1 }, listed: true });
    });
  });
}

function testDeletion(open: () => Promise<VideoStore>): void {
  describe("deletion", () => {
    test("of a deleted video only that stays, until it is put again", async () => {
      const store = await open();
      const [id, never] = [newId(), newId()];
      await store.put(id, { title: "Secret", media: [{ src: "/a", type: "video/mp4" }] }, 1_000);
      await store.addLikes([{ id, likes: { like: 3 } }], 2_000, fresh());
      await store.count(id, { after: 0, upTo: 7, comments: 5 }, 2_000);
      await store.delete(id, 3_000);
      await store.delete(never, 3_000);
      expect(await store.addLikes([{ id, likes: { like: 1 } }], 4_000, fresh())).toEqual([{}]);
      expect(await store.count(id, { after: 7, upTo: 9, comments: 2 }, 4_000)).toBe(false);
      await store.markListed(id, 4_000);
      for (const video of await store.read([id, never])) {
        expect(video).toMatchObject({
          title: "",
          media: [],
          comments: 0,
          likes: {},
          listed: false,
        });
        expect(video?.deletedAt).toBe(3_000);
      }
      expect((await store.list(1_000)).map((video) => video.id)).not.toContain(id);
      expect(await store.expire({ commented: 9e15, liked: 9e15 }, 1_000)).not.toContain(id);
      const again = await store.put(id, { title: "New" }, 5_000);
      expect(again).toEqual({
        ...again,
        title: "New",
        live: true,
        closed: false,
        createdAt: 5_000,
        deletedAt: null,
        counted: 7,
        comments: 0,
        likes: {},
      });
      expect((await store.read([id]))[0]).toEqual(again);
      expect(await store.count(id, { after: 7, upTo: 9, comments: 2 }, 6_000)).toBe(true);
    });
  });
}

function testRetention(open: () => Promise<VideoStore>): void {
  describe("what is old", () => {
    test("what viewers alone made ends, the sooner where they only liked it", async () => {
      const store = await open();
      const [liked, commented, late, listed] = [newId(), newId(), newId(), newId()];
      await store.addLikes([{ id: liked, likes: { like: 1 } }], -2_000, fresh());
      await store.count(commented, { after: 0, upTo: 4, comments: 1 }, -2_000);
      await store.addLikes([{ id: late, likes: { like: 1 } }], -1_000, fresh());
      await store.put(listed, {}, -3_000);
      expect(await store.expire({ commented: -2_500, liked: -1_500 }, 100)).toEqual([liked]);
      expect(await store.read([liked])).toEqual([undefined]);
      expect(await store.addLikes([{ id: liked, likes: {} }], 9_000_000_000, fresh())).toEqual([
        {},
      ]);
      expect(await store.expire({ commented: -1_500, liked: -1_500 }, 100)).toEqual([commented]);
      expect((await store.read([late, listed])).every((video) => video !== undefined)).toBe(true);
      expect(await store.expire({ commented: 0, liked: 0 }, 100)).toEqual([late]);
    });

    test("records of deleted videos and of processes that stored likes are dropped", async () => {
      const store = await open();
      const [early, late] = [newId(), newId()];
      await store.delete(early, -2_000);
      await store.delete(late, -1_000);
      const flush = fresh();
      const liked = newId();
      await store.addLikes([{ id: liked, likes: { like: 1 } }], 1, flush);
      await store.expire({ commented: -9e9, liked: -9e9, deleted: -1_000, writers: 0 }, 100);
      const [first, second] = await store.read([early, late]);
      expect([first, second?.deletedAt]).toEqual([undefined, -1_000]);
      // The flush is known as long as its writer is, and new when it is forgotten.
      const again = () => store.addLikes([{ id: liked, likes: { like: 1 } }], 1, flush);
      expect(await again()).toEqual([{ like: 1 }]);
      await store.expire({ commented: -9e9, liked: -9e9, writers: 2 }, 100);
      expect(await again()).toEqual([{ like: 2 }]);
    });

    test("500 videos in one call", async () => {
      const store = await open();
      const changes = Array.from({ length: 500 }, () => ({
        id: newId(),
        likes: { like: 1, love: 2 },
      }));
      const totals = await store.addLikes(changes, 1, fresh());
      expect(totals).toHaveLength(500);
      expect(totals.every((total) => total?.love === 2)).toBe(true);
    });
  });
}
