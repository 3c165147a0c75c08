/** Responses that are pages: context by request, headers, and the pages of problems. */

import type { VideoInfo } from "@ovation/client";
import type { HttpRequest, Problem } from "@ovation/protocol";
import type { Build } from "./build.ts";
import { targetOf, wordsFor } from "./page-strings.ts";
import { type PageContext, renderNotice } from "./pages.ts";

export interface PageResult {
  readonly text: string;
  readonly status?: number;
  /** The videos on the page: their media and posters may come from other origins. */
  readonly shown?: readonly VideoInfo[];
  /** Other sites may put the page into a frame. */
  readonly frames?: boolean;
}

/** The settings of all pages of a server. */
export interface PageSettings extends Pick<PageContext, "messages" | "tokenOrigins"> {
  /** Origins that may put `/embed/` into a frame. */
  readonly frameAncestors: readonly string[];
}

export class PageResponder {
  readonly #built: Build;
  readonly #settings: PageSettings;

  constructor(built: Build, settings: PageSettings) {
    this.#built = built;
    this.#settings = settings;
  }

  async respond(
    request: HttpRequest,
    render: (context: PageContext) => Promise<PageResult>,
  ): Promise<Response> {
    const { text, status = 200, shown = [], frames = false } = await render(this.#context(request));
    const ancestors = frames ? this.#settings.frameAncestors : ["'self'"];
    return new Response(text, { status, headers: pageHeaders(shown, ancestors) });
  }

  /** The page for a problem; `undefined` where the problem itself is the response. */
  problemPage(problem: Problem, request: HttpRequest, path: string): Response | undefined {
    const kind = noticeFor(problem.status);
    if (kind === undefined || !isNavigation(request, path)) return undefined;
    const headers = new Headers(pageHeaders([], ["'self'"]));
    const retryAfter = problem.toResponse().headers.get("retry-after");
    if (retryAfter !== null) headers.set("retry-after", retryAfter);
    const text = renderNotice(this.#context(request), kind);
    return new Response(text, { status: problem.status, headers });
  }

  #context(request: HttpRequest): PageContext {
    const built = this.#built;
    const { messages, tokenOrigins } = this.#settings;
    const root = rootFrom(targetOf(request).pathname);
    const site = request.headers.get("sec-fetch-site") ?? "";
    const assets = {
      urlOf: (entry: string) => `${root}assets/${built.nameOf(entry)}`,
      preloadsOf: (entry: string) => built.preloadsOf(entry).map((name) => `${root}assets/${name}`),
    };
    return { words: wordsFor(request), root, assets, messages, tokenOrigins, site };
  }
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

/** From a page at `path` to the root: browsers resolve `../` by the slashes of the URL. */
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
