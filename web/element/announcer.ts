/**
 * Speaks for screen readers. The visible list is not a live region: in a busy room it would never stop
 * talking. This hidden log gets as much as the reader has chosen.
 *
 * [spec] https://www.w3.org/WAI/WCAG22/Techniques/aria/ARIA23
 */

export const ANNOUNCE_MODES = ["all", "mentions", "digest", "off"] as const;
/** `all`: each comment, or how many when they come faster than one in two seconds. `mentions`: host, moderators, and who speaks to me. `digest`: how many, every ten seconds. */
export type AnnounceMode = (typeof ANNOUNCE_MODES)[number];

export interface Announcement {
  /** "Ana said: hello" */
  readonly text: string;
  /** From the host or a moderator, or it mentions the reader. */
  readonly important: boolean;
}

const ALL_EVERY_MS = 2000;
const DIGEST_EVERY_MS = 10_000;
const IMPORTANT_WAITING_MAX = 5;

export interface Announcer {
  mode: AnnounceMode;
  add(announcement: Announcement): void;
  stop(): void;
}

/** `speak` puts text into the log; `count` words a number of new comments. */
export function createAnnouncer(
  speak: (text: string) => void,
  count: (comments: number) => string,
  mode: AnnounceMode,
): Announcer {
  let waiting: string[] = [];
  let total = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function flush(): void {
    timer = undefined;
    if (total === 0) return;
    if (announcer.mode === "mentions") for (const text of waiting) speak(text);
    else
      speak(
        announcer.mode === "all" && total === 1 && waiting[0] !== undefined
          ? waiting[0]
          : count(total),
      );
    waiting = [];
    total = 0;
    if (announcer.mode === "all") timer = setTimeout(flush, ALL_EVERY_MS);
  }

  const announcer: Announcer = {
    mode,
    add({ text, important }) {
      if (announcer.mode === "off" || (announcer.mode === "mentions" && !important)) return;
      total++;
      waiting.push(text);
      if (waiting.length > IMPORTANT_WAITING_MAX) waiting.shift();
      if (announcer.mode === "digest") timer ??= setTimeout(flush, DIGEST_EVERY_MS);
      else if (announcer.mode === "mentions" || timer === undefined) flush();
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
      waiting = [];
      total = 0;
    },
  };
  return announcer;
}
