/** Serves what the build made: for ever by hashed names, and under three stable names for other sites. */

import type { Route } from "@ovation/protocol";
import { type Asset, type Build, toAsset } from "./build.ts";
import { FAVICON } from "./pages.ts";

/** Any site may load the scripts: that is how the element is embedded. */
const SHARED = {
  "access-control-allow-origin": "*",
  "cross-origin-resource-policy": "cross-origin",
  "x-content-type-options": "nosniff",
};
const FOR_EVER = "public, max-age=31536000, immutable";
/** The stable names only point to hashed ones, so asking again each time costs next to nothing. */
const ASK_AGAIN = "no-cache";

export function assetRoutes(built: Build): Route[] {
  const encoder = new TextEncoder();
  const pointer = (entry: string): Asset =>
    toAsset(
      `${entry}.js`,
      "text/javascript; charset=utf-8",
      encoder.encode(`export * from "./assets/${built.nameOf(entry)}";\n`),
    );
  return [
    ...built.assets.map((asset) => route(`/assets/${asset.name}`, asset, FOR_EVER)),
    route("/live-comments.js", pointer("live-comments"), ASK_AGAIN),
    route("/live-inbox.js", pointer("live-inbox"), ASK_AGAIN),
    route("/sdk.js", pointer("sdk"), ASK_AGAIN),
    route(
      "/favicon.svg",
      toAsset("favicon.svg", "image/svg+xml", encoder.encode(FAVICON)),
      "public, max-age=86400",
    ),
  ];
}

function route(path: string, asset: Asset, cacheControl: string): Route {
  const tag = `"${Bun.hash(asset.body).toString(36)}"`;
  const common = {
    ...SHARED,
    "content-type": asset.type,
    "cache-control": cacheControl,
    vary: "accept-encoding",
    etag: tag,
  };
  return {
    method: "GET",
    path,
    handle(request) {
      if (request.headers.get("if-none-match") === tag)
        return new Response(null, { status: 304, headers: common });
      const accepted = request.headers.get("accept-encoding") ?? "";
      if (/\bbr\b/.test(accepted))
        return new Response(asset.brotli, { headers: { ...common, "content-encoding": "br" } });
      if (/\bgzip\b/.test(accepted))
        return new Response(asset.gzip, { headers: { ...common, "content-encoding": "gzip" } });
      return new Response(asset.body, { headers: common });
    },
  };
}
