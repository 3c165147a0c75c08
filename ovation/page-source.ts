/**
 * The pages show what the API returns without a token: they call the routes of this process,
 * without a token, so that no page can show what the API would not.
 */

import type { VideoInfo } from "@ovation/client";
import type { MessageRule } from "@ovation/comments";
import { Problem, type Route, type RouteContext, toResponse } from "@ovation/protocol";

export interface PageSource {
  /** `address` is the reader's: a page is a read of theirs. */
  videos(address: string): Promise<readonly VideoInfo[]>;
  /** `deleted`: it was here, and its host took it away. */
  video(id: string, address: string): Promise<VideoInfo | "deleted" | undefined>;
  /** Who may write to whom. */
  readonly messages?: MessageRule;
  readonly tokenOrigins?: readonly string[];
  readonly frameAncestors?: readonly string[];
}

/** What the policy file says of pages. */
export type PageRules = Pick<PageSource, "messages" | "tokenOrigins" | "frameAncestors">;

export function createPageSource(routes: readonly Route[], rules: PageRules = {}): PageSource {
  const list = find(routes, "/v1/videos");
  const one = find(routes, "/v1/videos/:id");
  return {
    ...rules,
    async videos(address) {
      const body = await ask(list, "/v1/videos", {}, address);
      return (body as { readonly videos: readonly VideoInfo[] }).videos;
    },
    async video(id, address) {
      try {
        const path = `/v1/videos/${encodeURIComponent(id)}`;
        return (await ask(one, path, { id }, address)) as VideoInfo;
      } catch (error) {
        if (error instanceof Problem && error.code === "video-deleted") return "deleted";
        if (error instanceof Problem && error.code === "rate-limited") throw error;
        // Missing, not public, or no id at all: for a page it is all the same.
        if (error instanceof Problem && error.status < 500) return undefined;
        throw error;
      }
    },
  };
}

function find(routes: readonly Route[], path: string): Route {
  const route = routes.find((candidate) => candidate.method === "GET" && candidate.path === path);
  if (route === undefined) throw new Error(`no route for ${path}`);
  return route;
}

async function ask(
  route: Route,
  path: string,
  params: Record<string, string>,
  address: string,
): Promise<unknown> {
  const context: RouteContext = { params, address };
  const response = toResponse(await route.handle(new Request(`http://page${path}`), context));
  return response.json();
}
