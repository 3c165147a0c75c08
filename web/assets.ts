/** Serves the build: immutable by hashed names, and by three stable names for other sites. */

import { Problem, type Route, SourceAnswer, TextAnswer } from "@ovation/protocol";
import { type Asset, type Build, toAsset } from "./build.ts";
import { chooseCoding, hasVersion } from "./conditions.ts";
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
  // Weak: one tag for all codings of the same content. [spec] RFC 9110, 8.8.1.
  const common = {
    ...SHARED,
    "cache-control": cacheControl,
    vary: "accept-encoding",
    etag: `W/${tag}`,
  };
  const plain = { ...common, "content-type": asset.type };
  const forms = {
    br: { source: asset.brotli, headers: { ...plain, "content-encoding": "br" } },
    gzip: { source: asset.gzip, headers: { ...plain, "content-encoding": "gzip" } },
    identity: { source: asset.body, headers: plain },
  };
  return {
    method: "GET",
    path,
    handle(request) {
      const coding = chooseCoding(request);
      if (coding === undefined)
        return new Problem(
          "not-acceptable",
          "accept identity, gzip or br: Accept-Encoding leaves none of them",
        ).toResponse({ vary: "accept-encoding" });
      if (hasVersion(request, tag)) return new TextAnswer("", 304, common);
      return new SourceAnswer({ status: 200, ...forms[coding] });
    },
  };
}
