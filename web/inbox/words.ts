/** Every phrase of the inbox. English is built in; the other languages are loaded on demand. */

import { tried } from "@ovation/client/tried";
import { type CatalogueFiles, loadCatalogue } from "../i18n/languages.ts";
import { type Catalogue, createPhrases, type Phrase, type Phrases } from "../i18n/phrases.ts";

export const english = {
  inbox: "Inbox",
  inboxUnread: { one: "Inbox, {n} unread", other: "Inbox, {n} unread" },
  messages: "Messages",
  activity: "Activity",
  close: "Close",
  back: "Back to all messages",
  loading: "Loading…",
  failed: "The inbox could not be loaded",
  retry: "Try again",
  noMessages: "No messages yet",
  noMessagesHint: "Write from the menu next to a comment.",
  noActivity: "Nothing new",
  noActivityHint: "Replies, mentions and moderator decisions appear here.",
  guest: "Guest",
  you: "You: {text}",
  unread: { one: "{n} unread message", other: "{n} unread messages" },
  online: "Online",
  lastSeen: "Last seen {text}",
  typing: "Typing…",
  isTyping: "{name} is typing",
  conversation: "Conversation with {name}",
  beginning: "This is the beginning of your conversation with {name}.",
  earlier: "Load earlier messages",
  today: "Today",
  yesterday: "Yesterday",
  message: "Message to {name}",
  placeholder: "Write a message…",
  send: "Send",
  left: { one: "{n} character left", other: "{n} characters left" },
  over: { one: "{n} character too many", other: "{n} characters too many" },
  sending: "Sending…",
  sent: "Sent",
  delivered: "Delivered",
  seen: "Seen",
  notSent: "Not sent.",
  discard: "Discard",
  wrote: "{name} wrote: {text}",
  newMessage: "Message from {name}",
  dismiss: "Dismiss",
  open: "Open",
  notifications: "Notifications",
  "comment-removed": "Your comment was removed",
  reply: "{name} replied to you",
  mention: "{name} mentioned you",
  "timed-out": "You're timed out until {text}",
  "timed-out-over": "You were timed out until {text}",
  banned: "You've been banned by a moderator",
  "banned-until": "You're banned until {text}",
  restored: "You can comment again",
  reason: "Reason: {text}",
  error: "Something went wrong.",
  "error-network": "The server could not be reached.",
  "error-forbidden": "You can't message this member.",
  "error-rate-limited": "Too fast. Wait a moment.",
  "error-timed-out": "You've been timed out by a moderator.",
  "error-banned": "You've been banned by a moderator.",
  "error-invalid-text": "The text contains characters that cannot be displayed.",
} satisfies Record<string, Phrase>;

export type WordKey = keyof typeof english;

export interface Words extends Phrases<WordKey> {
  /** Today, yesterday, or the date. */
  day(at: number, now: number): string;
  /** The time of today, or the day with the time. */
  moment(at: number, now: number): string;
  /** As short as a list needs it: the time of today, or the date. */
  brief(at: number, now: number): string;
}

const FILES: CatalogueFiles = {
  ar: () => import("../i18n/inbox-ar.json"),
  de: () => import("../i18n/inbox-de.json"),
  es: () => import("../i18n/inbox-es.json"),
};

export function createWords(language: string, ...catalogues: Catalogue[]): Words {
  const phrases = createPhrases<WordKey>(language, english, ...catalogues);
  const { t, time } = phrases;
  const day = { month: "short", day: "numeric" } as const;
  const dates = tried(() => new Intl.DateTimeFormat(language, day));
  const moments = tried(
    () => new Intl.DateTimeFormat(language, { ...day, hour: "numeric", minute: "2-digit" }),
  );
  const date = (at: number) => dates?.format(at) ?? new Date(at).toDateString();
  return {
    ...phrases,
    day(at, now) {
      const days = daysBetween(at, now);
      return days === 0 ? t("today") : days === 1 ? t("yesterday") : date(at);
    },
    moment: (at, now) =>
      daysBetween(at, now) === 0 ? time(at) : (moments?.format(at) ?? `${date(at)} ${time(at)}`),
    brief: (at, now) => (daysBetween(at, now) === 0 ? time(at) : date(at)),
  };
}

export async function loadWords(language: string): Promise<Words> {
  return createWords(language, await loadCatalogue(FILES, language));
}

/** How many midnights are between the two, by the reader's clock. */
export function daysBetween(at: number, now: number): number {
  return Math.round(
    (new Date(now).setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000,
  );
}
