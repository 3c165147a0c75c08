/** Every phrase of the element. English is built in; the other languages are loaded on demand. */

import { type CatalogueFiles, loadCatalogue } from "../i18n/languages.ts";
import { type Catalogue, createPhrases, type Phrase, type Phrases } from "../i18n/phrases.ts";
import type { MenuKey } from "./menu/menu-words.ts";

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

/** With the phrases of the menus, which are loaded with them. */
export type StringKey = keyof typeof english | MenuKey;
export type Strings = Phrases<StringKey>;

const FILES: CatalogueFiles = {
  ar: () => import("../i18n/element-ar.json"),
  de: () => import("../i18n/element-de.json"),
  es: () => import("../i18n/element-es.json"),
};

export function createStrings(language: string, ...catalogues: Catalogue[]): Strings {
  return createPhrases(language, english, ...catalogues);
}

export async function loadStrings(language: string): Promise<Strings> {
  return createStrings(language, await loadCatalogue(FILES, language));
}
