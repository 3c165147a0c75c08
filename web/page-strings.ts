/** Every phrase of the pages, by language. Element and inbox have their own. */

import type { HttpRequest } from "@ovation/protocol";
import { entryOf, type Language, primaryOf } from "./i18n/languages.ts";
import arabic from "./i18n/page-ar.json";
import german from "./i18n/page-de.json";
import spanish from "./i18n/page-es.json";
import { createPhrases } from "./i18n/phrases.ts";

export const english = {
  tagline: "Live comments for live video",
  liveNow: "Live now",
  nothingLive: "Nothing is live right now",
  nothingLiveHint: "Videos appear here automatically when they start.",
  openDemo: "Open the comments of a video by its URL: /watch/your-video",
  live: "Live",
  watching: "{n} watching",
  likes: "{n} likes",
  comments: "{n} comments",
  home: "All live videos",
  skip: "Skip to the comments",
  theme: "Colours: automatic, light or dark",
  share: "Share",
  copied: "Copied",
  embed: "Embed",
  embedTitle: "Put the comments on your page",
  embedElement: "As an element",
  embedFrame: "As a frame",
  copy: "Copy",
  close: "Close",
  popOut: "Pop out",
  play: "Play",
  pause: "Pause",
  mute: "Mute",
  unmute: "Unmute",
  fullscreen: "Full screen",
  backToLive: "Back to live",
  noPicture: "No picture yet",
  noPictureHint: "The comments are open.",
  notFound: "Video not found",
  notFoundHint: "It may have ended, or the URL may have a typo.",
  failed: "Something went wrong",
  failedHint: "The videos could not be loaded. Try again in a moment.",
  noPage: "Page not found",
  noPageHint: "The URL may have a typo.",
  deleted: "This video was deleted",
  deletedHint: "Its host deleted it, with its comments and likes.",
  busy: "Too many requests",
  busyHint: "Your network has sent too many requests. Wait a moment, then reload the page.",
  closedHint: "Comments are closed.",
  continueAs: "Continue as {name}?",
};

export type PageKey = keyof typeof english;

const CATALOGUES: Readonly<Record<Language, Record<PageKey, string>>> = {
  ar: arabic,
  de: german,
  es: spanish,
};

/** Path and query of a request, also without a host. */
export function targetOf({ url }: HttpRequest): URL {
  return URL.parse(url) ?? URL.parse(`http://localhost${url}`) ?? new URL("http://localhost/");
}

export interface PageWords {
  readonly language: string;
  readonly direction: "ltr" | "rtl";
  t(key: PageKey, n?: number): string;
}

/** The language of a request: `?lang=`, or the first known of `Accept-Language`; else English. */
export function wordsFor(request: HttpRequest): PageWords {
  const asked = targetOf(request).searchParams.get("lang") ?? "";
  const accepted = (request.headers.get("accept-language") ?? "")
    .split(",")
    .map((entry) => entry.split(";")[0]?.trim() ?? "");
  const tag =
    [asked, ...accepted].find(
      (each) => primaryOf(each) === "en" || entryOf(CATALOGUES, each) !== undefined,
    ) ?? "en";
  const language = primaryOf(tag) ?? "en";
  const { t, compact } = createPhrases<PageKey>(
    language,
    english,
    entryOf(CATALOGUES, language) ?? {},
  );
  return {
    language,
    direction: language === "ar" ? "rtl" : "ltr",
    t: (key, n) => (n === undefined ? t(key) : t(key).replace("{n}", compact(n))),
  };
}
