/**
 * Bundles the browser's scripts and style sheets when the server starts, into memory: no build
 * step, no output directory. Everything gets a name with its content's hash, so browsers keep it
 * for ever.
 */

import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import type { BunPlugin } from "bun";
import { minifyCss } from "./minify-css.ts";

export interface Asset {
  /** The name under `/assets/`. */
  readonly name: string;
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly gzip: Uint8Array<ArrayBuffer>;
  readonly brotli: Uint8Array<ArrayBuffer>;
  /** Names of the assets that it imports before it runs. */
  readonly imports: readonly string[];
}

export interface Build {
  readonly assets: readonly Asset[];
  /** The hashed name of an entry: `watch.ts` → `watch-1a2b3c4d.js`. */
  nameOf(entry: string): string;
  /** What the entry loads at once: its static imports, and the view of the element. */
  preloadsOf(entry: string): readonly string[];
}

/**
 * Scripts, known by their file's name. Those of one group share what they have in common; a group
 * alone carries all that it needs.
 */
const SCRIPTS = [
  ["live-comments.ts", "live-inbox.ts"],
  ["browser/sdk.ts"],
  ["browser/theme.ts"],
  ["browser/home.ts"],
  ["browser/watch.ts"],
] as const;
const STYLES = ["browser/page.css"] as const;

/** Style sheets that scripts import arrive as text, made small. */
const cssAsText: BunPlugin = {
  name: "css-as-text",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => ({
      contents: minifyCss(await Bun.file(path).text()),
      loader: "text",
    }));
  },
};

/** Throws where a script does not compile: the server then does not start. */
export async function build(directory = import.meta.dir): Promise<Build> {
  const names = new Map<string, string>();
  const assets: Asset[] = [];
  const results = await Promise.all(
    SCRIPTS.map((paths) =>
      Bun.build({
        entrypoints: paths.map((path) => join(directory, path)),
        target: "browser",
        format: "esm",
        minify: true,
        splitting: true,
        naming: { entry: "[name]-[hash].[ext]", chunk: "[name]-[hash].[ext]" },
        define: { "process.env.NODE_ENV": '"production"' },
        plugins: [cssAsText],
      }),
    ),
  );
  for (const { outputs } of results) {
    for (const artifact of outputs) {
      const name = artifact.path.replace(/^.*\//, "");
      const body = new Uint8Array(await artifact.arrayBuffer());
      if (artifact.kind === "entry-point") names.set(name.replace(/-[^-]*$/, ""), name);
      assets.push(toAsset(name, "text/javascript; charset=utf-8", body));
    }
  }
  for (const path of STYLES) {
    const body = new TextEncoder().encode(minifyCss(await Bun.file(join(directory, path)).text()));
    const name = `page-${Bun.hash(body).toString(36)}.css`;
    names.set("page", name);
    assets.push(toAsset(name, "text/css; charset=utf-8", body));
  }
  return {
    assets,
    nameOf(entry) {
      const name = names.get(entry);
      if (name === undefined) throw new Error(`no such script: ${entry}`);
      return name;
    },
    preloadsOf(entry) {
      const found = new Set<string>();
      const visit = (name: string | undefined): void => {
        if (name === undefined || found.has(name)) return;
        found.add(name);
        for (const next of assets.find((asset) => asset.name === name)?.imports ?? []) visit(next);
      };
      visit(names.get(entry));
      if (entry === "live-comments")
        visit(assets.find(({ name }) => name.startsWith("view-"))?.name);
      found.delete(names.get(entry) ?? "");
      return [...found];
    },
  };
}

export function toAsset(name: string, type: string, body: Uint8Array<ArrayBuffer>): Asset {
  // Quality 9 of 11: the last two steps cost ten times the start-up for one byte in fifty.
  const brotli = brotliCompressSync(body, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 9,
      [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
    },
  });
  // zlib's best is 2 % larger; levels above 10 save one byte in a thousand more.
  const gzip = Bun.gzipSync(body, { level: 10, library: "libdeflate" });
  return {
    name,
    type,
    body,
    gzip,
    brotli: new Uint8Array(brotli),
    imports: staticImports(body),
  };
}

/** The modules that a minified bundle imports at its top: `import{a}from"./part-1.js"`. */
function staticImports(body: Uint8Array): string[] {
  const text = new TextDecoder().decode(body);
  return [...text.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)].flatMap(
    (match) => match[1] ?? [],
  );
}
