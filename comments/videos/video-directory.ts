/**
 * The settings of a video that the write path checks, cached for a second. A change by this process
 * counts at once, by another process within that second.
 */

import { DatabaseUnavailableError } from "@ovation/database";
import { type Clock, LoadingCache } from "@ovation/protocol";
import {
  VIDEO_SETTINGS_AGE_MS,
  VIDEO_SETTINGS_KEPT_MAX,
  VIDEO_SETTINGS_STALE_MS,
} from "../limits.ts";
import type { VideoStore } from "./video-store.ts";

export interface VideoSettings {
  readonly exists: boolean;
  readonly closed: boolean;
  readonly deleted: boolean;
  /** Whether it has a row: under `any`, the first like or comment creates it. */
  readonly stored: boolean;
  readonly listed: boolean;
}

export interface VideoDirectory {
  settings(id: string): VideoSettings | Promise<VideoSettings>;
  forget(id: string): void;
}

export interface VideoDirectoryOptions {
  readonly store: VideoStore;
  readonly clock: Clock;
  /** `any`: a video exists by being used. `listed`: only those created by `PUT /v1/videos/{id}`. */
  readonly videos: "any" | "listed";
}

export function createVideoDirectory({
  store,
  clock,
  videos,
}: VideoDirectoryOptions): VideoDirectory {
  const cache = new LoadingCache<VideoSettings>(clock, {
    ageMs: VIDEO_SETTINGS_AGE_MS,
    entriesMax: VIDEO_SETTINGS_KEPT_MAX,
    // Likes are accepted while the database is unreachable.
    stale: {
      ms: VIDEO_SETTINGS_STALE_MS,
      isServedAt: (error) => error instanceof DatabaseUnavailableError,
    },
    async load(id) {
      const [video] = await store.read([id], "without likes");
      return {
        exists: videos === "any" || video !== undefined,
        closed: video?.closed ?? false,
        deleted: video !== undefined && video.deletedAt !== null,
        stored: video !== undefined,
        listed: video?.listed ?? false,
      };
    },
  });
  return { settings: (id) => cache.get(id), forget: (id) => cache.delete(id) };
}
