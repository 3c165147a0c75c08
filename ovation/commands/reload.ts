/** What SIGHUP does: the files of the settings are read again, and what can be taken over is. */

import { kindsThatNeedRestart } from "../reload/live-policy.ts";
import { isSame } from "../reload/reloads.ts";
import type { Settings, SettingsReloads } from "../settings/settings.ts";

export interface ReloadOptions {
  /** As the process started: what only a restart takes over is still so. */
  readonly started: Settings;
  readonly reloads: SettingsReloads;
  /** As the files say now. Rejects with a sentence where one cannot be used. */
  read(): Promise<Settings>;
}

/** Never rejects. */
export function createReload({ started, reloads, read }: ReloadOptions): () => Promise<void> {
  const { logger } = started;
  return async () => {
    try {
      const next = await read();
      const changed = await reloads.renew(next);
      const needsRestart = thoseThatNeedRestart(started, next);
      logger.info(
        { changed, ...(needsRestart.length === 0 ? {} : { needsRestart }) },
        needsRestart.length === 0
          ? "SIGHUP: the files were read again"
          : "SIGHUP: the files were read again; a restart takes over the rest",
      );
    } catch (error) {
      logger.error(
        { why: error instanceof Error ? error.message : String(error) },
        "SIGHUP: the files cannot be used as they are now, so all settings stay as they were",
      );
    }
  };
}

/** In the words of the policy file. */
function thoseThatNeedRestart(now: Settings, next: Settings): readonly string[] {
  const members = [
    ["guests", now.guests, next.guests],
    ["videos", now.videos, next.videos],
    ["messages", now.comments?.messages, next.comments?.messages],
    ["comments.textLength", now.comments?.textCodePointsMax, next.comments?.textCodePointsMax],
    ["staff", now.comments?.staff, next.comments?.staff],
    ["comments.likeKinds", now.comments?.likeKinds, next.comments?.likeKinds],
    ["pages", now.pages, next.pages],
  ] as const;
  return [
    ...members.filter(([, one, other]) => !isSame(one, other)).map(([name]) => name),
    ...kindsThatNeedRestart(now.policy, next.policy).map((name) => `kinds.${name}`),
  ];
}
