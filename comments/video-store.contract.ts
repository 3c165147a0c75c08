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
    test("a video that nobody used is not there", async () => {
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

    test("a flush that is sent again adds nothing and answers the totals, also at another process", async () => {
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

    test("500 videos in one call", async () => {
      const store = await open();
      const changes = Array.from({ length: 500 }, () => ({
        id: newId(),
        likes: { like: 1, love: 2 },
      }));
      const totals = await store.addLikes(changes, 1, fresh());
      expect(totals).toHaveLength(500);
      expect(totals.every((total) => total.love === 2)).toBe(true);
    });
  });
}
