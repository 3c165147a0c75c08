/**
 * web: `<live-comments>` and the pages. The server's side of it: bundles the browser's scripts into
 * memory when it starts, renders the pages, and serves both and the media. Nothing on a page is
 * loaded from another host, no script stands in a page, and no value reaches a page unescaped.
 */

import { join } from "node:path";
import type { VideoInfo } from "@ovation/client";
import type { HttpRequest, Route } from "@ovation/protocol";
import { assetRoutes } from "./assets.ts";
import { build } from "./build.ts";
import { listMedia, serveMedia } from "./media.ts";
import { wordsFor } from "./page-strings.ts";
import {
  type EmbedOptions,
  type PageContext,
  renderEmbed,
  renderHome,
  renderNotice,
  renderWatch,
} from "./pages.ts";

export interface PagesOptions {
  /** The videos that `/` shows. */
  readonly videos: () => Promise<readonly VideoInfo[]>;
  /** One of them; `undefined` where there is none of that id. */
  readonly video: (id: string) => Promise<VideoInfo | undefined>;
  /** Who may write to whom, beyond hosts and moderators, as in the policy file. Default: staff. */
  readonly messages?: PageContext["messages"];
  /** Where the files of `/media/` are. Default: the demo's. */
  readonly mediaDirectory?: string;
}

/** The routes of the pages. Rejects where a script does not compile. */
export async function createPages({
  videos,
  video,
  mediaDirectory,
  messages = "staff",
}: PagesOptions): Promise<readonly Route[]> {
  const [built, media] = await Promise.all([
    build(),
    listMedia(mediaDirectory ?? join(import.meta.dir, "media")),
  ]);
  const assets = {
    addressOf: (entry: string) => `/assets/${built.nameOf(entry)}`,
    preloadsOf: (entry: string) => built.preloadsOf(entry).map((name) => `/assets/${name}`),
  };

  /** A page about one video; what `read` throws is said kindly, and logged by whoever logs rejections. */
  async function respond(
    request: HttpRequest,
    render: (context: PageContext) => Promise<PageResult>,
  ): Promise<Response> {
    const context = { words: wordsFor(request), assets, messages };
    const { text, status = 200, shown = [], frames = false } = await render(context);
    return new Response(text, { status, headers: pageHeaders(shown, frames) });
  }

  const videoPage = (
    path: string,
    frames: boolean,
    render: (context: PageContext, video: VideoInfo, request: HttpRequest) => string,
  ): Route => ({
    method: "GET",
    path,
    handle: (request, { params }) =>
      respond(request, async (context) => {
        const found = await video(params["id"] ?? "");
        if (found === undefined)
          return { text: renderNotice(context, "notFound"), status: 404, frames };
        return { text: render(context, found, request), shown: [found], frames };
      }),
  });

  return [
    {
      method: "GET",
      path: "/",
      handle: (request) =>
        respond(request, async (context) => {
          const shown = await videos();
          return { text: renderHome(context, shown), shown };
        }),
    },
    videoPage("/watch/:id", false, renderWatch),
    videoPage("/embed/:id", true, (context, found, request) =>
      renderEmbed(context, found, embedOptions(new URL(request.url).searchParams)),
    ),
    ...assetRoutes(built),
    {
      method: "GET",
      path: "/media/:file",
      handle(request, { params }) {
        const file = media.get(params["file"] ?? "");
        return file === undefined
          ? respond(request, async (context) => ({
              text: renderNotice(context, "notFound"),
              status: 404,
            }))
          : serveMedia(file, request);
      },
    },
  ];
}

interface PageResult {
  readonly text: string;
  readonly status?: number;
  /** The videos on the page: what they show may come from where they say. */
  readonly shown?: readonly VideoInfo[];
  /** Other sites may put the page into a frame. */
  readonly frames?: boolean;
}

function pageHeaders(shown: readonly VideoInfo[], frames: boolean): Record<string, string> {
  const sources = shown.flatMap(({ media = [], poster }) => [
    ...media.map(({ src }) => src),
    poster,
  ]);
  const origins = [...new Set(sources.flatMap(originOf))].join(" ");
  return {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-cache",
    vary: "accept-language",
    "content-security-policy": [
      "default-src 'self'",
      "script-src 'self'",
      "style-src 'self'",
      `img-src 'self' ${origins}`.trim(),
      `media-src 'self' ${origins}`.trim(),
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'self'",
      `frame-ancestors ${frames ? "*" : "'self'"}`,
    ].join("; "),
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
  };
}

/** The origin of an absolute address. Anything that could end the directive early is no address. */
function originOf(address: string | undefined): string[] {
  if (address === undefined || !/^https?:/.test(address) || !URL.canParse(address)) return [];
  return [new URL(address).origin];
}

function embedOptions(parameters: URLSearchParams): EmbedOptions {
  const on = (name: string): boolean => parameters.has(name) && parameters.get(name) !== "0";
  const theme = parameters.get("theme");
  return {
    theme: theme === "light" || theme === "dark" ? theme : "auto",
    transparent: on("transparent"),
    compact: on("compact"),
    readOnly: on("readonly"),
    hideReactions: on("hide-reactions"),
  };
}
