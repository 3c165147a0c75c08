/**
 * Every word of the element, in one place. English is built in; the other languages are loaded when
 * they are asked for. Numbers, dates and plurals come from `Intl`.
 */

import { tried } from "@ovation/client/tried";
import type { MenuKey } from "./menu/menu-words.ts";

/** A sentence, or one for each plural category of its `{n}`. */
export type Phrase = string | Partial<Record<Intl.LDMLPluralRule, string>>;

export const english = {
  title: "Live comments",
  comments: "Comments",
  viewers: { one: "{n} watching", other: "{n} watching" },
  pause: "Pause comments",
  resume: "Resume comments",
  settings: "Settings",
  earlier: "Load earlier comments",
  beginning: "Beginning of the conversation",
  empty: "No comments yet",
  emptyHint: "Be the first to say hello.",
  loadFailed: "The comments could not be loaded",
  retry: "Try again",
  newComments: { one: "{n} new comment", other: "{n} new comments" },
  latest: "Jump to latest",
  pinned: "Pinned",
  host: "Host",
  moderator: "Mod",
  guest: "Guest",
  you: "You",
  sending: "Sending…",
  notSent: "Not sent.",
  discard: "Discard",
  actions: "Actions for the comment by {name}",
  comment: "Comment",
  placeholder: "Say something…",
  cancelReply: "Cancel the reply",
  hint: "Up to {n} characters. Enter sends, Shift and Enter starts a new line.",
  left: { one: "{n} character left", other: "{n} characters left" },
  over: { one: "{n} character too many", other: "{n} characters too many" },
  send: "Send",
  wait: "You can send again in {n} s",
  waitOver: "You can send again",
  name: "Your name",
  nameHint: "Choose a name to comment with",
  join: "Comment",
  cancel: "Cancel",
  signIn: "Sign in",
  like: { one: "Send a like, {n} so far", other: "Send a like, {n} so far" },
  connecting: "Connecting…",
  reconnecting: "Connection lost. Reconnecting…",
  offline: "You're offline. Comments will resume when you're back online.",
  connected: "Reconnected",
  serverAsked: "Moving to another server…",
  tokenInvalid: "You've been signed out. Sign in again to comment.",
  refused: "You can't see the comments of this video.",
  stopped: "The comments have ended.",
  reloading: "Some comments were missed. Loading the newest ones…",
  reloaded: "Some comments were missed. The newest are shown; load earlier ones above.",
  waiting: "Too many requests from your network. Comments will load automatically in a moment.",
  slow: "Comments are taking longer than usual. They will appear automatically.",
  loadingAgain: "The comments could not be loaded. Retrying automatically…",
  said: "{name} said: {text}",
  error: "Something went wrong. Try again.",
  "error-network": "The server could not be reached.",
  "error-rate-limited": "Too fast. Wait a moment, then try again.",
  "error-name-taken": "This name, or a similar one, is taken. Choose another one.",
  "error-menu": "The menu could not be loaded. Try again, or reload the page.",
  "error-copy": "Copying is not available here. Select the text and copy it manually.",
  "error-banned": "You've been banned by a moderator.",
  "error-timed-out": "You've been timed out by a moderator.",
  "error-comments-closed": "Comments are closed.",
  "error-video-deleted": "This video was deleted.",
  "error-guests-off": "Sign in to comment.",
  "error-forbidden": "You don't have permission.",
  "error-text-too-long": "The text is too long.",
  "error-invalid-text": "The text contains characters that cannot be displayed.",
} satisfies Record<string, Phrase>;

/** With the words of the menus, which come with them. */
export type StringKey = keyof typeof english | MenuKey;
export type Catalogue = Readonly<Partial<Record<string, Phrase>>>;

export interface Strings {
  readonly language: string;
  /** Words for `key`, `fallback` where the language has none; `{n}` is written as a number of the language and picks the plural. */
  t(
    key: StringKey,
    values?: { readonly n?: number; readonly name?: string; readonly text?: string },
    fallback?: Phrase,
  ): string;
  /** The sentence for an error's code. */
  problem(code: string | undefined): string;
  /** 1234 → 1.2K */
  compact(value: number): string;
  number(value: number): string;
  time(at: number): string;
}

export function createStrings(language: string, ...catalogues: Catalogue[]): Strings {
  const words: Catalogue = Object.assign({}, english, ...catalogues);
  const plural = tried(() => new Intl.PluralRules(language));
  const full = tried(() => new Intl.NumberFormat(language));
  const short = tried(
    () => new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 }),
  );
  const clock = tried(
    () => new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" }),
  );
  const pluralOf = (n: number) => plural?.select(n) ?? (n === 1 ? "one" : "other");
  const number = (value: number) => full?.format(value) ?? `${value}`;
  const strings: Strings = {
    language,
    t(key, values = {}, fallback = key) {
      const phrase = words[key] ?? fallback;
      const text =
        typeof phrase === "string"
          ? phrase
          : (phrase[pluralOf(values.n ?? 0)] ?? phrase.other ?? key);
      return text.replace(/\{(n|name|text)\}/g, (_, name: "n" | "name" | "text") =>
        name === "n" ? number(values.n ?? 0) : (values[name] ?? ""),
      );
    },
    problem: (code) =>
      strings.t((`error-${code}` in words ? `error-${code}` : "error") as StringKey),
    compact: (value) => short?.format(value) ?? `${value}`,
    number,
    time: (at) => clock?.format(at) ?? new Date(at).toTimeString().slice(0, 5),
  };
  return strings;
}

/** The tag as `Intl` knows it: `de_DE` and `en-US@posix` are none, and would throw there. */
export function languageOf(tag: string): string {
  const [plain = ""] = tag.split(/[.@]/);
  try {
    return Intl.getCanonicalLocales(plain.replaceAll("_", "-"))[0] ?? "en";
  } catch {
    return "en";
  }
}

/** Languages beside English. */
export const LANGUAGES = ["ar", "de", "es"] as const;

/** The catalogue of a language tag, or nothing where there is none. */
export async function loadCatalogue(tag: string): Promise<Catalogue> {
  // Spelt out, so that the bundler makes one file of each.
  switch (tag.toLowerCase().split("-")[0]) {
    case "ar":
      return (await import("./locales/ar.json")).default;
    case "de":
      return (await import("./locales/de.json")).default;
    case "es":
      return (await import("./locales/es.json")).default;
    default:
      return {};
  }
}
