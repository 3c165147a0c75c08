/**
 * What the way of a comment has to know of its video, remembered for a second: whether it exists and
 * whether comments are closed. A change made in this process counts at once, another process's within
 * that second.
 */

import type { Clock } from "@ovation/protocol";
import { VIDEO_SETTINGS_AGE_MS, VIDEO_SETTINGS_KEPT_MAX } from "./limits.ts";
import type { VideoStore } from "./video-store.ts";

export interface VideoSettings {
  readonly exists: boolean;
  readonly closed: boolean;
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

interface Kept {
  readonly settings: VideoSettings;
  readonly until: number;
}

export function createVideoDirectory(options: VideoDirectoryOptions): VideoDirectory {
  const { store, clock } = options;
  const kept = new Map<string, Kept>();

  async function load(id: string): Promise<VideoSettings> {
    const [video] = await store.read([id]);
    const settings = { exists: options.videos === "any" || video !== undefined, closed: video?.closed ?? false };
    kept.delete(id);
    if (kept.size >= VIDEO_SETTINGS_KEPT_MAX) {
      const oldest = kept.keys().next().value;
      if (oldest !== undefined) kept.delete(oldest);
    }
    kept.set(id, { settings, until: clock.now() + VIDEO_SETTINGS_AGE_MS });
    return settings;
  }

  return {
    settings(id) {
      const known = kept.get(id);
      return known !== undefined && known.until > clock.now() ? known.settings : load(id);
    },
    forget(id) {
      kept.delete(id);
    },
  };
}
