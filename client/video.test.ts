import { expect, test } from "bun:test";
import type { Likes } from "./likes.ts";
import { HISTORY_FOLLOWS_MAX } from "./limits.ts";
import { createVideo } from "./video.ts";

test("HISTORY_FOLLOWS_MAX: one call follows this many short pages", async () => {
  for (const shortPages of [HISTORY_FOLLOWS_MAX, HISTORY_FOLLOWS_MAX + 1]) {
    let reads = 0;
    const video = createVideo(
      "1",
      async () => {
        reads++;
        return { comments: [], ...(reads <= shortPages && { next: 1000 - reads }) };
      },
      { tap: () => undefined } as unknown as Likes,
      (run) => run(),
      (run) => run(),
    );
    const page = await video.history({ limit: 10 });
    expect(reads).toBe(1 + HISTORY_FOLLOWS_MAX);
    const isRest = shortPages > HISTORY_FOLLOWS_MAX;
    expect(page.next).toBe(isRest ? 1000 - (1 + HISTORY_FOLLOWS_MAX) : undefined);
  }
});
