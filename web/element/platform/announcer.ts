/**
 * Announcements for screen readers. The visible list is not a live region: in a busy video it would
 * never stop talking. This hidden log gets as much as the reader has chosen.
 *
 * [spec] https://www.w3.org/WAI/WCAG22/Techniques/aria/ARIA23
 */

export const ANNOUNCE_MODES = ["all", "mentions", "digest", "off"] as const;
/**
 * `all`: each comment, or their number when they come faster than one in two seconds. `mentions`:
 * host, moderators and mentions of the reader. `digest`: their number, every ten seconds.
 */
export type AnnounceMode = (typeof ANNOUNCE_MODES)[number];

export interface Announcement {
  /** "Ana said: hello" */
  readonly text: string;
  /** From the host or a moderator, or it mentions the reader. */
  readonly important: boolean;
}

const ALL_EVERY_MS = 2000;
const DIGEST_EVERY_MS = 10_000;

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
  /** The one comment that waits, where it is one. */
  let only: string | undefined;
  let total = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function clear(): void {
    only = undefined;
    total = 0;
  }

  function flush(): void {
    timer = undefined;
    if (total === 0) return;
    const { mode } = announcer;
    // Chosen while they waited: nothing of them is important.
    if (mode === "all" || mode === "digest") speak((mode === "all" && only) || count(total));
    clear();
    if (mode === "all") timer = setTimeout(flush, ALL_EVERY_MS);
  }

  const announcer: Announcer = {
    mode,
    add({ text, important }) {
      const { mode } = announcer;
      if (mode === "mentions" && important) speak(text);
      if (mode === "off" || mode === "mentions") return;
      total++;
      only = total === 1 ? text : undefined;
      if (mode === "digest") timer ??= setTimeout(flush, DIGEST_EVERY_MS);
      else if (timer === undefined) flush();
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
      clear();
    },
  };
  return announcer;
}
