import { beforeAll, describe, expect, test } from "bun:test";
import { type Build, build } from "./build.ts";
import { minifyCss } from "./minify-css.ts";

/** To connect: the element, the SDK, Lit's base class. */
const CONNECT_GZIP_BYTES_MAX = 15 * 1024;
/** To show and write comments, loaded beside it: the view, Lit's templates, the styles. */
const WHOLE_GZIP_BYTES_MAX = 34 * 1024;

/** What `<live-inbox>` adds to `<live-comments>`: at once, and when its panel first opens. */
const INBOX_GZIP_BYTES_MAX = 12 * 1024;
const PANEL_GZIP_BYTES_MAX = 5 * 1024;

let built: Build;
beforeAll(async () => {
  built = await build();
});

function gzipBytes(names: Iterable<string>): number {
  return [...names].reduce(
    (sum, name) =>
      sum + (built.assets.find((asset) => asset.name === name)?.gzip.length ?? Number.NaN),
    0,
  );
}

/** The module and all that it imports at its top, and what these import. */
function closure(name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const next of built.assets.find((asset) => asset.name === name)?.imports ?? [])
    closure(next, found);
  return found;
}

describe("the bundle of <live-inbox>", () => {
  test("adds at most 12 kB gzipped to <live-comments>: Lit and the SDK are shared", () => {
    const comments = closure(built.nameOf("live-comments"));
    for (const name of built.preloadsOf("live-comments")) closure(name, comments);
    const inbox = closure(built.nameOf("live-inbox"));
    const shared = [...inbox].filter((name) => comments.has(name));
    const added = gzipBytes([...inbox].filter((name) => !comments.has(name)));
    console.log(`<live-inbox> beside <live-comments>: ${added} bytes gzipped`);
    expect(shared.length).toBeGreaterThan(0);
    expect(added).toBeLessThanOrEqual(INBOX_GZIP_BYTES_MAX);

    const pages = built.assets.find(({ name }) => name.startsWith("pages-"))?.name ?? "";
    const panel = gzipBytes(
      [...closure(pages)].filter((name) => !comments.has(name) && !inbox.has(name)),
    );
    console.log(`its panel: ${panel} bytes gzipped`);
    expect(panel).toBeLessThanOrEqual(PANEL_GZIP_BYTES_MAX);
  });
});

describe("the bundle of <live-comments>", () => {
  test("is at most 15 kB gzipped with the SDK until it is connected", () => {
    const bytes = gzipBytes(closure(built.nameOf("live-comments")));
    console.log(`<live-comments> with the SDK: ${bytes} bytes gzipped`);
    expect(bytes).toBeLessThanOrEqual(CONNECT_GZIP_BYTES_MAX);
  });

  test("stays small with all that it shows and writes comments with", () => {
    const bytes = gzipBytes([built.nameOf("live-comments"), ...built.preloadsOf("live-comments")]);
    console.log(`<live-comments> with its view: ${bytes} bytes gzipped`);
    expect(bytes).toBeLessThanOrEqual(WHOLE_GZIP_BYTES_MAX);
  });

  test("holds production code of Lit, and no other host's address", () => {
    for (const { body, type } of built.assets) {
      const text = new TextDecoder().decode(body);
      expect(text).not.toContain("Lit is in dev mode");
      if (type.startsWith("text/javascript"))
        expect(text.match(/https?:\/\/(?!www\.w3\.org)[a-z]/g)).toBeNull();
    }
  });

  test("every asset decodes to itself, whichever encoding is sent", () => {
    for (const { body, gzip } of built.assets) expect(Bun.gunzipSync(gzip)).toEqual(body);
  });
});

test("style sheets lose their comments and spaces, and nothing that means something", () => {
  expect(
    minifyCss(
      "/* x */\n.a  .b {\n  color: red;\n  width: calc(1px + 2px);\n}\n" +
        ".a :hover { margin: 0 1px }\n",
    ),
  ).toBe(".a .b{color:red;width:calc(1px + 2px)}.a :hover{margin:0 1px}");
});
