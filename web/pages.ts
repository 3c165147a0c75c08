/** The pages as HTML, rendered by the server without a framework. Every value is escaped. */

import type { VideoInfo } from "@ovation/client";
import { type Html, html } from "./html.ts";
import type { PageWords } from "./page-strings.ts";

export interface PageAssets {
  /** The URL of a script or style sheet by its entry's name. */
  urlOf(entry: string): string;
  /** URLs of the modules that the entry loads, to be fetched in parallel. */
  preloadsOf(entry: string): readonly string[];
}

export interface PageContext {
  readonly words: PageWords;
  /**
   * From the page to the server's root: `./`, `../` and so on. Every link is relative, so that a
   * proxy may serve the pages below a path.
   */
  readonly root: string;
  readonly assets: PageAssets;
  /** Who may write to whom, beyond hosts and moderators. */
  readonly messages: "staff" | "members" | "anyone";
  /** Origins whose links may carry a token, and the `Sec-Fetch-Site` of the request. */
  readonly tokenOrigins: readonly string[];
  readonly site: string;
}

const ICONS = {
  share: "M12 15V4M8 7.500 12 3.500l4 4M5 12v7h14v-7",
  code: "M8.500 7 3.500 12l5 5M15.500 7l5 5-5 5",
  window: "M13 5H5v14h14v-8M15 4h5v5M20 4l-8 8",
  theme: "M12 4a8 8 0 1 0 8 8 6 6 0 0 1-8-8z",
  play: "M7 4.500v15l12-7.500z",
  pause: "M8 5v14M16 5v14",
  sound: "M4 9.500v5h3.500L12 19V5L7.500 9.500zM16 9a4 4 0 0 1 0 6M18.500 6.500a8 8 0 0 1 0 11",
  silent: "M4 9.500v5h3.500L12 19V5L7.500 9.500zM16.500 9.500l5 5M21.500 9.500l-5 5",
  full: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  eye:
    "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z" +
    "M12 9.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6z",
  heart: "M12 20S3.5 15 3.5 8.9A4.7 4.7 0 0 1 12 6.2a4.7 4.7 0 0 1 8.5 2.7C20.5 15 12 20 12 20z",
  close: "M6 6l12 12M18 6 6 18",
  bubble: "M4 5h16v11h-8l-4.500 4v-4H4z",
} as const;

function icon(name: keyof typeof ICONS, kind = ""): Html {
  return html`<svg class="${kind}" viewBox="0 0 24 24" aria-hidden="true"><path
    d="${ICONS[name]}"/></svg>`;
}

/** The mark: a hand of sound bars that is also an O. */
const MARK = html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><rect
  width="32" height="32" rx="9"/><path d="M9 13v6M13.7 9v14M18.3 11v10M23 14.5v3"/></svg>`;
export const FAVICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">' +
  '<rect width="32" height="32" rx="9" fill="#5b3df5"/>' +
  '<path d="M9 13v6M13.7 9v14M18.3 11v10M23 14.5v3" fill="none" stroke="#fff" ' +
  'stroke-width="2.8" stroke-linecap="round"/></svg>';

const VIEWPORT = [
  "width=device-width",
  "initial-scale=1",
  "viewport-fit=cover",
  "interactive-widget=resizes-content",
].join(", ");

interface Frame {
  readonly title: string;
  readonly description?: string;
  readonly bodyClass: string;
  readonly modules: readonly string[];
  readonly body: Html;
}

function document(
  { words, assets, root }: PageContext,
  { title, description, bodyClass, modules, body }: Frame,
): string {
  const page = html`<!doctype html>
<html lang="${words.language}" dir="${words.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport"
  content="${VIEWPORT}">
<title>${title}</title>
${
  description !== undefined &&
  html`<meta name="description" content="${description}">
`
}<meta name="color-scheme" content="light dark">
<link rel="icon" href="${root}favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${assets.urlOf("page")}">
<script src="${assets.urlOf("theme")}"></script>
${modules
  .flatMap((entry) => assets.preloadsOf(entry))
  .map(
    (url) => html`<link rel="modulepreload" href="${url}">
`,
  )}${modules.map(
  (entry) => html`<script type="module" src="${assets.urlOf(entry)}"></script>
`,
)}</head>
<body class="${bodyClass}">
${body}
</body>
</html>
`;
  return page.text;
}

/** `more` is beside the switch of the colours. */
function top({ words, root }: PageContext, more: Html | false = false): Html {
  return html`<header class="top"><a class="brand"
    href="${root}">${MARK}<span>Ovation</span></a><span class="tools">${more}<button type="button"
    class="round" data-theme-switch aria-label="${words.t("theme")}">${icon(
      "theme",
    )}</button></span></header>`;
}

function likesOf(video: VideoInfo): number {
  return Object.values(video.likes).reduce((sum, count) => sum + count, 0);
}

/** One of six colourings, for a video without a picture. */
function toneOf(id: string): number {
  let hash = 7;
  for (const character of id) hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  return hash % 6;
}

/** `/` */
export function renderHome(context: PageContext, videos: readonly VideoInfo[]): string {
  const { words } = context;
  const cards = videos.map((video) => card(context, video));
  return document(context, {
    title: `Ovation · ${words.t("liveNow")}`,
    description: words.t("tagline"),
    bodyClass: "home",
    modules: ["home"],
    body: html`${top(context)}
<main>
<h1>${words.t("liveNow")}</h1>
${
  cards.length > 0
    ? html`<ul class="grid">${cards}</ul>`
    : notice(
        "nothingLive",
        "nothingLiveHint",
        html`<p class="hint">${words.t("openDemo")}</p>`,
        words,
      )
}
</main>`,
  });
}

function card({ words, root }: PageContext, video: VideoInfo): Html {
  return html`<li data-video="${video.id}"><a class="card"
    href="${root}watch/${encodeURIComponent(video.id)}">
<span class="poster tone-${toneOf(video.id)}">${
    video.poster === undefined
      ? icon("bubble")
      : html`<img src="${mediaAt(video.poster, root)}" alt="" width="640" height="360"
        loading="lazy">`
  }${video.live && html`<span class="badge-live">${words.t("live")}</span>`}<span
    class="count">${icon(
      "eye",
    )}<span data-viewers>${words.t("watching", video.viewers)}</span></span></span>
<strong><bdi>${video.title}</bdi></strong>
<span class="meta"><span data-likes>${words.t("likes", likesOf(video))}</span> · <span
  data-comments>${words.t("comments", video.comments)}</span></span>
</a></li>`;
}

/** `/watch/{id}` */
export function renderWatch(context: PageContext, video: VideoInfo): string {
  const { words } = context;
  return document(context, {
    title: `${video.title} · Ovation`,
    description: video.description ?? words.t("tagline"),
    bodyClass: "watch",
    modules: ["live-comments", "watch"],
    body: html`<a class="skip" href="#comments">${words.t("skip")}</a>
${top(context, html`<live-inbox for="comments" messages="${context.messages}"></live-inbox>`)}
<main data-token-origins="${context.tokenOrigins.join(" ")}" data-site="${context.site}"
  data-continue-as="${words.t("continueAs")}">
<div class="column">
${
  video.media === undefined || video.media.length === 0
    ? noPicture(video, words)
    : player(video, context)
}
<div class="about">
<div class="titles"><h1><bdi>${video.title}</bdi></h1>
<p class="meta"><span class="figure">${icon("eye")}<span
  data-viewers>${words.t("watching", video.viewers)}</span></span><span
  class="figure">${icon(
    "heart",
  )}<span data-likes>${words.t("likes", likesOf(video))}</span></span></p></div>
<div class="actions">
<button type="button" data-share data-done="${words.t("copied")}">${icon(
      "share",
    )}<span>${words.t("share")}</span></button>
<button type="button" data-embed>${icon("code")}<span>${words.t("embed")}</span></button>
<button type="button" data-pop-out>${icon("window")}<span>${words.t("popOut")}</span></button>
</div>
</div>
${
  video.description !== undefined &&
  html`<p
class="description"><bdi>${video.description}</bdi></p>`
}
</div>
<live-comments id="comments" video="${video.id}"></live-comments>
</main>
${embedDialog(video, words)}`,
  });
}

/** The server's own media are below its root, wherever that is; other URLs are the host's. */
function mediaAt(address: string, root: string): string {
  return address.startsWith("/media/") ? root + address.slice(1) : address;
}

function player(video: VideoInfo, { words, root }: PageContext): Html {
  return html`<div class="player" data-player>
<video muted autoplay playsinline loop preload="auto" disablepictureinpicture
  aria-label="${video.title}"${
    video.poster !== undefined && html` poster="${mediaAt(video.poster, root)}"`
  }>
${video.media?.map(({ src, type }) => html`<source src="${mediaAt(src, root)}" type="${type}">`)}
</video>
<div class="controls">
<button type="button" class="round" data-play data-play-label="${words.t("play")}"
  data-pause-label="${words.t("pause")}" aria-label="${words.t("pause")}">${icon(
    "pause",
    "on",
  )}${icon("play", "off")}</button>
<button type="button" class="badge-live" data-live
  aria-label="${words.t("backToLive")}">${words.t("live")}</button>
<span class="space"></span>
<button type="button" class="round" data-mute data-mute-label="${words.t("mute")}"
  data-unmute-label="${words.t("unmute")}"
  aria-label="${words.t("unmute")}">${icon("sound", "on")}${icon("silent", "off")}</button>
<button type="button" class="round" data-full
  aria-label="${words.t("fullscreen")}">${icon("full")}</button>
</div>
</div>`;
}

function noPicture(video: VideoInfo, words: PageWords): Html {
  return html`<div class="player no-picture tone-${toneOf(video.id)}">${icon("bubble")}<b>${words.t(
    "noPicture",
  )}</b><span>${words.t(video.closed === true ? "closedHint" : "noPictureHint")}</span></div>`;
}

function embedDialog(video: VideoInfo, words: PageWords): Html {
  const snippet = (kind: string, label: string): Html =>
    html`<div class="snippet"><div><h3>${label}</h3><button type="button" class="quiet"
    data-copy="${kind}" data-done="${words.t("copied")}">${words.t("copy")}</button></div><pre
    tabindex="0" role="region" aria-label="${label}" data-snippet="${kind}"></pre></div>`;
  return html`<dialog aria-labelledby="embed-title" data-video="${video.id}"
    data-title="${video.title}">
<form method="dialog"><h2 id="embed-title">${words.t("embedTitle")}</h2><button class="round"
  aria-label="${words.t("close")}">${icon("close")}</button></form>
${snippet("element", words.t("embedElement"))}${snippet("frame", words.t("embedFrame"))}
</dialog>`;
}

/** What `/embed/{id}` takes from its address. */
export interface EmbedOptions {
  readonly theme: "auto" | "light" | "dark";
  readonly transparent: boolean;
  readonly compact: boolean;
  readonly readOnly: boolean;
  readonly hideReactions: boolean;
}

/** `/embed/{id}`: the comments alone, for a frame or a window of their own. */
export function renderEmbed(context: PageContext, video: VideoInfo, options: EmbedOptions): string {
  const flags = html`${options.compact && html` compact`}${
    options.readOnly && html` readonly`
  }${options.hideReactions && html` hide-reactions`}`;
  return document(context, {
    title: `${video.title} · Ovation`,
    bodyClass: options.transparent ? "embed transparent" : "embed",
    modules: ["live-comments"],
    body: html`<main><h1 class="hidden">${video.title}</h1><live-comments video="${video.id}"
    theme="${options.theme}"${flags}></live-comments></main>`,
  });
}

/** What ends a visit: it says what happened, and where to go. */
export function renderNotice(context: PageContext, title: Exclude<Titles, "nothingLive">): string {
  const { words, root } = context;
  const home = html`<a class="button" href="${root}">${words.t("home")}</a>`;
  return document(context, {
    title: `${words.t(title)} · Ovation`,
    bodyClass: "home",
    modules: [],
    body: html`${top(context)}
<main>${notice(title, `${title}Hint`, home, words, true)}</main>`,
  });
}

type Titles = "nothingLive" | "notFound" | "noPage" | "deleted" | "busy" | "failed";

function notice(
  title: Titles,
  hint: `${Titles}Hint`,
  more: Html,
  words: PageWords,
  heading = false,
): Html {
  const name = heading ? html`<h1>${words.t(title)}</h1>` : html`<h2>${words.t(title)}</h2>`;
  return html`<div class="notice">${icon("bubble")}${name}<p>${words.t(hint)}</p>${more}</div>`;
}
