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
import { PageResponder } from "./page-responder.ts";
import { targetOf } from "./page-strings.ts";
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
  const pages = new PageResponder(built, { messages, tokenOrigins, frameAncestors });

  const videoPage = (
    path: string,
    frames: boolean,
    render: (context: PageContext, video: VideoInfo, request: HttpRequest) => string,
  ): Route => ({
    method: "GET",
    path,
    handle: (request, { params, address }) =>
      pages.respond(request, async (context) => {
        const found = await video(params["id"] ?? "", address);
        if (found === undefined)
          return { text: renderNotice(context, "notFound"), status: 404, frames };
        if (found === "deleted")
          return { text: renderNotice(context, "deleted"), status: 410, frames };
        return { text: render(context, found, request), shown: [found], frames };
      }),
  });

  const routes: Route[] = [
    {
      method: "GET",
      path: "/",
      handle: (request, { address }) =>
        pages.respond(request, async (context) => {
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
        pages.respond(request, async (context) => ({
          text: renderNotice(context, "notFound"),
          status: 404,
        })),
      ),
    );
  return {
    routes,
    problemPage: (problem, request, path) => pages.problemPage(problem, request, path),
  };
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
