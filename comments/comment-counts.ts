/**
 * How many comments a video has, counted from the log: it alone knows what was committed, whoever
 * committed it, and a crash between a commit and its count cannot be seen afterwards. What was counted
 * up to which number is kept in the store, so only what came since is read.
 */

import type { Log } from "@ovation/log";
import { type Clock, topicOf } from "@ovation/protocol";
import {
  COUNT_COMMENTS_MS,
  COUNT_PAGE_EVENTS,
  COUNT_PAGES_MAX,
  COUNTED_VIDEOS_MAX,
} from "./limits.ts";
import type { VideoStore } from "./video-store.ts";

export interface CommentCountsOptions {
  readonly log: Log;
  readonly store: VideoStore;
  readonly clock: Clock;
  onFailure(error: unknown): void;
}

export interface CommentCounts {
  /** Something was appended: the video is counted soon. */
  touch(videoId: string): void;
  /** Counts what came since the last time, so that the store has it; of very much, a part, and the rest in the background. */
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
    // Beyond the bound a video is counted when somebody asks for it.
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
    for (let page = 0; page < COUNT_PAGES_MAX; page++) {
      const [video] = await store.read([videoId]);
      const counted = video?.counted ?? 0;
      const { events } = await log.read(topic, {
        after: counted,
        limit: COUNT_PAGE_EVENTS,
        types: COUNTED,
      });
      const last = events.at(-1);
      if (last === undefined) return;
      const removed = events.filter(({ type }) => type === "comment-removed").length;
      // Another process may have counted these meanwhile: then nothing is added, and the next page begins after its.
      await store.count(
        videoId,
        { after: counted, upTo: last.place.seq, comments: events.length - 2 * removed },
        clock.now(),
      );
      if (events.length < COUNT_PAGE_EVENTS) return;
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
          touch(videoId);
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
