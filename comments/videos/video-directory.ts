/**
 * What the way of a comment has to know of its video, remembered for a second: whether it exists and
 * whether comments are closed. A change made in this process counts at once, another process's within
 * that second.
 */

import type { Clock } from "@ovation/protocol";
import { StoreUnavailableError } from "../database/sql-database.ts";
import {
  VIDEO_SETTINGS_AGE_MS,
  VIDEO_SETTINGS_KEPT_MAX,
  VIDEO_SETTINGS_OUTLIVE_MS,
} from "../limits.ts";
import { createRemembered } from "../remembered.ts";
import type { VideoStore } from "./video-store.ts";

export interface VideoSettings {
  readonly exists: boolean;
  readonly closed: boolean;
  readonly deleted: boolean;
  /** Whether anything of it is stored yet: under `any`, the next like or comment makes it. */
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
  /** `any`: a video exists by being used. `listed`: only those that somebody created. */
  readonly videos: "any" | "listed";
}

export function createVideoDirectory({
  store,
  clock,
  videos,
}: VideoDirectoryOptions): VideoDirectory {
  const remembered = createRemembered<VideoSettings>({
    clock,
    ageMs: VIDEO_SETTINGS_AGE_MS,
    keptMax: VIDEO_SETTINGS_KEPT_MAX,
    // Likes go on without the database.
    outlives: {
      ms: VIDEO_SETTINGS_OUTLIVE_MS,
      isSo: (error) => error instanceof StoreUnavailableError,
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
  return { settings: (id) => remembered.get(id), forget: (id) => remembered.forget(id) };
}
