/**
 * The number of comments of a video. The log counts them, because a process cannot see a crash
 * between a commit and its count. The store has the count and the number up to which it holds, so
 * only later events are counted. Comments past retention count as well.
 */

import { DatabaseDamagedError } from "@ovation/database";
import type { Log } from "@ovation/log";
import { type Clock, topicOf } from "@ovation/protocol";
import {
  COUNT_COMMENTS_MS,
  COUNT_LAG_EVENTS_MAX,
  COUNT_STEPS_MAX,
  COUNTED_VIDEOS_MAX,
} from "../limits.ts";
import type { VideoStore } from "../videos/video-store.ts";

export interface CommentCountsOptions {
  readonly log: Log;
  readonly store: VideoStore;
  readonly clock: Clock;
  onFailure(error: unknown): void;
}

export interface CommentCounts {
  /** Something was appended: the video is counted soon. */
  touch(videoId: string): void;
  /** Counts what came since the last time, so that the store has it. */
  catchUp(videoId: string): Promise<void>;
  /** Videos that were touched and are not counted yet. */
  readonly waiting: number;
  /** Counts every touched video. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const COUNTED = ["comment", "comment-removed"];

export function createCommentCounts(options: CommentCountsOptions): CommentCounts {
  const { log, store, clock } = options;
  const touched = new Set<string>();
  let cancel: (() => void) | undefined;
  let running: Promise<void> = Promise.resolve();
  let closed = false;

  function touch(videoId: string): void {
    // Over the bound, the next request for the video counts it.
    if (touched.size >= COUNTED_VIDEOS_MAX) return;
    touched.add(videoId);
    if (cancel !== undefined || closed) return;
    cancel = clock.after(COUNT_COMMENTS_MS, () => {
      cancel = undefined;
      void flush();
    });
  }

  async function catchUp(videoId: string): Promise<void> {
    const topic = topicOf("video", videoId);
    for (let step = 0; step < COUNT_STEPS_MAX; step++) {
      const [video] = await store.read([videoId], "without likes");
      if (video !== undefined && video.deletedAt !== null) return;
      const after = video?.counted ?? 0;
      const { counts, upTo, more, isWhole } = await log.tally(topic, { after, types: COUNTED });
      const [comments = 0, removed = 0] = counts;
      const change = comments - removed;
      // Events of other types alone make no video, and are written down once in a while.
      const isNothing = isWhole ? upTo === after || video === undefined : !more;
      if (change === 0 && isNothing && upTo - after < COUNT_LAG_EVENTS_MAX) return;
      // Another process may have counted these meanwhile: then nothing is added, and the next step
      // begins after its.
      await store.count(videoId, { after, upTo, comments: change, isTotal: isWhole }, clock.now());
      if (!more) return;
      await new Promise<void>((resolve) => clock.after(0, resolve));
    }
    touch(videoId);
  }

  function flush(): Promise<void> {
    running = running.then(async () => {
      for (const videoId of [...touched]) {
        touched.delete(videoId);
        try {
          await catchUp(videoId);
        } catch (error) {
          options.onFailure(error);
          // A damaged row stays damaged: it is counted when it is asked for after a restore.
          if (!(error instanceof DatabaseDamagedError)) touch(videoId);
        }
      }
    });
    return running;
  }

  return {
    touch,
    catchUp,
    get waiting() {
      return touched.size;
    },
    flush,
    async close() {
      closed = true;
      cancel?.();
      await flush();
    },
  };
}
