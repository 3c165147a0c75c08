/**
 * web: `<live-comments>` and the pages. The server's side of it: bundles the browser's scripts into
 * memory when it starts, renders the pages, and serves both and the media. Nothing on a page is
 * loaded from another host, no script stands in a page, and no value reaches a page unescaped.
 */

import { join } from "node:path";
import type { VideoInfo } from "@ovation/client";
import type { HttpRequest, Problem, Route } from "@ovation/protocol";
import { assetRoutes } from "./assets.ts";
import { build } from "./build.ts";
import { createMediaRoute } from "./media.ts";
import { targetOf, wordsFor } from "./page-strings.ts";
import {
  type EmbedOptions,
  type PageContext,
  renderEmbed,
  renderHome,
  renderNotice,
  renderWatch,
} from "./pages.ts";

export { createMediaRoute } from "./media.ts";

/** The media of the demo's videos. */
export const DEMO_MEDIA_DIRECTORY = join(import.meta.dir, "media");

export interface PagesOptions {
  /** The videos that `/` shows. */
  readonly videos: (address: string) => Promise<readonly VideoInfo[]>;
  /** One of them; `deleted` where it was deleted, `undefined` where the id is unknown. */
  readonly video: (id: string, address: string) => Promise<VideoInfo | "deleted" | undefined>;
  /** Who may write to whom, beyond hosts and moderators, as in the policy file. Default: staff. */
  readonly messages?: PageContext["messages"];
  /** Origins whose links may carry a token. Default: this server's own. */
  readonly tokenOrigins?: readonly string[];
  /** Origins that may put `/embed/` into a frame. Default: any. */
  readonly frameAncestors?: readonly string[];
  /** Where the files of `/media/` are. Without it there is no `/media/`. */
  readonly mediaDirectory?: string;
}

export interface Pages {
  readonly routes: readonly Route[];
  /**
   * The page for a problem, where a browser opened a URL; `undefined` where the problem itself is
   * the response: for programs, and for paths that are no page.
   */
  readonly problemPage: (
    problem: Problem,
    request: HttpRequest,
    path: string,
  ) => Response | undefined;
}

/** The pages. Rejects where a script does not compile. */
export async function createPages({
  videos,
  video,
  mediaDirectory,
  messages = "staff",
  tokenOrigins = [],
  frameAncestors = ["*"],
}: PagesOptions): Promise<Pages> {
  const built = await build();
  const assetsAt = (root: string) => ({
    urlOf: (entry: string) => `${root}assets/${built.nameOf(entry)}`,
    preloadsOf: (entry: string) => built.preloadsOf(entry).map((name) => `${root}assets/${name}`),
  });

  function contextOf(request: HttpRequest): PageContext {
    const root = rootFrom(targetOf(request).pathname);
    const site = request.headers.get("sec-fetch-site") ?? "";
    const words = wordsFor(request);
    return { words, root, assets: assetsAt(root), messages, tokenOrigins, site };
  }

  async function respond(
    request: HttpRequest,
    render: (context: PageContext) => Promise<PageResult>,
  ): Promise<Response> {
    const context = contextOf(request);
    const { text, status = 200, shown = [], frames = false } = await render(context);
    return new Response(text, {
      status,
      headers: pageHeaders(shown, frames ? frameAncestors : ["'self'"]),
    });
  }

  const videoPage = (
    path: string,
    frames: boolean,
    render: (context: PageContext, video: VideoInfo, request: HttpRequest) => string,
  ): Route => ({
    method: "GET",
    path,
    handle: (request, { params, address }) =>
      respond(request, async (context) => {
        const found = await video(params["id"] ?? "", address);
        if (found === undefined)
          return { text: renderNotice(context, "notFound"), status: 404, frames };
        if (found === "deleted")
          return { text: renderNotice(context, "deleted"), status: 410, frames };
        return { text: render(context, found, request), shown: [found], frames };
      }),
  });

  function problemPage(problem: Problem, request: HttpRequest, path: string): Response | undefined {
    const kind = noticeFor(problem.status);
    if (kind === undefined || !isNavigation(request, path)) return undefined;
    const headers = new Headers(pageHeaders([], ["'self'"]));
    const retryAfter = problem.toResponse().headers.get("retry-after");
    if (retryAfter !== null) headers.set("retry-after", retryAfter);
    const text = renderNotice(contextOf(request), kind);
    return new Response(text, { status: problem.status, headers });
  }

  const routes: Route[] = [
    {
      method: "GET",
      path: "/",
      handle: (request, { address }) =>
        respond(request, async (context) => {
          const shown = await videos(address);
          return { text: renderHome(context, shown), shown };
        }),
    },
    videoPage("/watch/:id", false, renderWatch),
    videoPage("/embed/:id", true, (context, found, request) =>
      renderEmbed(context, found, embedOptions(targetOf(request).searchParams)),
    ),
    ...assetRoutes(built),
  ];
  if (mediaDirectory !== undefined)
    routes.push(
      await createMediaRoute(mediaDirectory, (request) =>
        respond(request, async (context) => ({
          text: renderNotice(context, "notFound"),
          status: 404,
        })),
      ),
    );
  return { routes, problemPage };
}

/** A browser opens a page. The API's responses are the same for all clients. */
function isNavigation({ method, headers }: HttpRequest, path: string): boolean {
  return (
    (method === "GET" || method === "HEAD") &&
    !/^\/(v1|assets)\//.test(path) &&
    /\btext\/html\b/.test(headers.get("accept") ?? "")
  );
}

function noticeFor(status: number): "noPage" | "busy" | "failed" | undefined {
  if (status === 404) return "noPage";
  if (status === 429) return "busy";
  return status >= 500 ? "failed" : undefined;
}

interface PageResult {
  readonly text: string;
  readonly status?: number;
  /** The videos on the page: their media and posters may come from other origins. */
  readonly shown?: readonly VideoInfo[];
  /** Other sites may put the page into a frame. */
  readonly frames?: boolean;
}

/** From a page at `path` to the root: browsers resolve `../` by the slashes of the URL they see. */
function rootFrom(path: string): string {
  return "../".repeat(path.split("/").length - 2) || "./";
}

function pageHeaders(
  shown: readonly VideoInfo[],
  ancestors: readonly string[],
): Record<string, string> {
  const sources = shown.flatMap(({ media = [], poster }) => [
    ...media.map(({ src }) => src),
    poster,
  ]);
  const origins = [...new Set(sources.flatMap(originOf))].join(" ");
  return {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-cache",
    vary: "accept-language, accept",
    "content-security-policy": [
      "default-src 'self'",
      "script-src 'self'",
      "style-src 'self'",
      `img-src 'self' ${origins}`.trim(),
      `media-src 'self' ${origins}`.trim(),
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'self'",
      `frame-ancestors ${ancestors.join(" ")}`,
    ].join("; "),
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
  };
}

/** The origin of an absolute URL; none for text that could end the directive early. */
function originOf(url: string | undefined): string[] {
  if (url === undefined || !/^https?:/.test(url) || !URL.canParse(url)) return [];
  return [new URL(url).origin];
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
