/** Rules that no linter knows. They hold for every committed file. */

import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { isErrorsPageCurrent } from "./errors-document.ts";
import { findLongFunctions, productFiles } from "./function-lines.ts";
import { isSettingsPageCurrent } from "./settings-document.ts";

const ROOT = join(import.meta.dir, "..");
const LINES_MAX = 400;
const FILE_BYTES_MAX = 2 * 1000 * 1000;

/** Styles are one sheet for each page or element. */
const STYLE_LINES_MAX = 800;

/** Files of the work tree as git sees them: committed or about to be, nothing that is ignored. */
const files = listFiles();
const sources = files.filter((file) => /\.(ts|js|mjs|css|html|sh)$/.test(file));
const written = files.filter(
  (file) =>
    /\.(ts|js|mjs|json|jsonl|css|html|sh|md|yml|yaml|conf|service|toml)$/.test(file) ||
    /(^|\/)(run|bun|ovation)$/.test(file),
);

test("no source file is longer than 400 lines", () => {
  const long = sources.filter(
    (file) => lineCount(file) > (file.endsWith(".css") ? STYLE_LINES_MAX : LINES_MAX),
  );
  expect(long).toEqual([]);
});

test("no function of product code is longer than 80 lines", () => {
  expect(findLongFunctions(productFiles())).toEqual([]);
});

test("no file is larger than 2 MB", () => {
  expect(files.filter((file) => statSync(join(ROOT, file)).size > FILE_BYTES_MAX)).toEqual([]);
});

test("nothing is left for later in a source file", () => {
  expect(linesThatMatch(sources, /\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b/)).toEqual([]);
});

test("the type checker is never switched off, and no value has the type `any`", () => {
  const typed = files.filter((file) => file.endsWith(".ts"));
  expect(linesThatMatch(typed, /@ts-(ignore|nocheck|expect-error)/)).toEqual([]);
  // The lint finds every `any`; here are those that switched it off.
  expect(linesThatMatch(typed, /no(Explicit)Any/)).toEqual([]);
  const product = typed.filter(
    (file) => !/\.(test|browser)\.ts$|(^|\/)(testing|browser-tests)\//.test(file),
  );
  expect(linesThatMatch(product, /no(NonNull)Assertion/)).toEqual([]);
});

test("no object literal is spread into another", () => {
  // Split, so that this file does not match itself.
  const spread = new RegExp(["\\.\\.\\.", "\\{"].join(""));
  expect(linesThatMatch(sources, spread)).toEqual([]);
});

test("no test is skipped, postponed or alone", () => {
  const tests = files.filter(
    (file) =>
      /\.(test|contract|fuzz|spec)\.ts$/.test(file) && file !== "scripts/test-counts.test.ts",
  );
  expect(
    linesThatMatch(
      tests,
      /\b(test|it|describe)\.(skip|todo|only|skipIf|todoIf|fixme)\b|\bxit\b|\bxdescribe\b/,
    ),
  ).toEqual([]);
});

test("no file names a path of a developer's machine", () => {
  // Split, so that this file does not match itself.
  const places = new RegExp(["/wo" + "rk/", "/ho" + "me/[a-z]+/", "/Us" + "ers/[a-z]+/"].join("|"));
  expect(linesThatMatch(written, places)).toEqual([]);
});

test("no file names a package registry or mirror, and the lock file none either", () => {
  const registries = new RegExp(
    ["registry\\.npmjs", "registry\\.yarnpkg", "npmmirror", "deb\\.debian\\.org", "jsr\\.io"].join(
      "|",
    ),
  );
  expect(
    linesThatMatch(
      written.filter((file) => file !== "scripts/tidy.test.ts"),
      registries,
    ),
  ).toEqual([]);
  expect(readFileSync(join(ROOT, "package-lock.json"), "utf8")).not.toMatch(
    /"resolved":\s*"https?:/,
  );
});

test("the lock file has every optional package of every platform, or npm ci refuses it", () => {
  const { packages } = JSON.parse(text("package-lock.json")) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        packages[`node_modules/${name}`] === undefined &&
        packages[`${path}/node_modules/${name}`] === undefined,
    ),
  );
  expect(missing).toEqual([]);
});

test("relative links in the documents lead to files, and their anchors to headings", () => {
  const broken: string[] = [];
  for (const file of files.filter((each) => each.endsWith(".md"))) {
    for (const link of linksOf(text(file))) {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? file : normalize(join(dirname(file), decodeURIComponent(path)));
      if (!existsSync(join(ROOT, target))) broken.push(`${file}: ${link}`);
      else if (
        anchor !== undefined &&
        target.endsWith(".md") &&
        !anchorsOf(text(target)).has(anchor)
      )
        broken.push(`${file}: ${link}`);
    }
  }
  expect(broken).toEqual([]);
});

test("paths of the repository in backticks in the documents exist", () => {
  const missing = documents().flatMap((file) =>
    pathsIn(text(file))
      .filter((path) => !isThere(path, file))
      .map((path) => `${file}: ${path}`),
  );
  expect(missing).toEqual([]);
});

test("docs/README.md leads to every page of docs", () => {
  const listed = new Set(
    linksOf(text("docs/README.md")).map((link) =>
      normalize(join("docs", link.split("#")[0] ?? "")),
    ),
  );
  expect(
    documents().filter(
      (file) => file.startsWith("docs/") && file !== "docs/README.md" && !listed.has(file),
    ),
  ).toEqual([]);
});

test("every workspace opens with what it is for, in mod.ts", () => {
  const workspaces = (JSON.parse(text("package.json")) as { workspaces: string[] }).workspaces;
  const silent = workspaces.filter(
    (folder) =>
      !existsSync(join(ROOT, folder, "mod.ts")) || !text(`${folder}/mod.ts`).startsWith("/**"),
  );
  expect(silent).toEqual([]);
});

test("docs/errors.md is written from the table of problems as it is now", () => {
  expect(isErrorsPageCurrent()).toBe(true);
});

test("docs/operating/settings.md is written from the schema of settings as it is now", () => {
  expect(isSettingsPageCurrent()).toBe(true);
});

test("file names are kebab-case, with the form as a suffix", () => {
  expect(
    files.filter(
      (file) =>
        file.endsWith(".ts") &&
        !/^[a-z0-9]+([.-][a-z0-9]+)*\.ts$/.test(file.split("/").at(-1) ?? ""),
    ),
  ).toEqual([]);
});

function listFiles(): readonly string[] {
  const git = Bun.spawnSync(["git", "ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: ROOT,
  });
  const listed = git.success ? git.stdout.toString().split("\n") : walk("");
  return listed.filter(
    (file) => file !== "" && existsSync(join(ROOT, file)) && statSync(join(ROOT, file)).isFile(),
  );
}

/** Where there is no git (an unpacked archive): everything but what is installed or generated. */
function walk(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (/^(node_modules|\.git|data|dist|test-results|playwright-report|\.cache)$/.test(entry.name))
      return [];
    return entry.isDirectory() ? walk(path) : [path];
  });
}

function text(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

function lineCount(file: string): number {
  return text(file).split("\n").length - 1;
}

function linesThatMatch(among: readonly string[], pattern: RegExp): string[] {
  return among.flatMap((file) =>
    text(file)
      .split("\n")
      .flatMap((line, index) =>
        pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 120)}`] : [],
      ),
  );
}

/**
 * Targets of inline links, images and HTML `src`/`href`, outside of code, that stay in the
 * repository.
 */
function linksOf(markdown: string): string[] {
  const prose = markdown.replace(/```[\s\S]*?```/g, "").replace(/`[^`\n]*`/g, "");
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)|\b(?:src|href|srcset)="([^"]+)"/g)].map(
    (match) => match[1] ?? match[2] ?? "",
  );
  return targets.filter(
    (target) => !/^[a-z][a-z0-9+.-]*:/i.test(target) && !target.startsWith("/"),
  );
}

function documents(): readonly string[] {
  return files.filter((file) => file.endsWith(".md"));
}

/**
 * `folder/file.ts`, `file.ts`, `folder/`: not addresses, routes (`/v1/…`), patterns, the `x.ts` of
 * CONTRIBUTING.md, nor files that a running server makes.
 */
function pathsIn(markdown: string): readonly string[] {
  const folders = new Set(
    files.filter((file) => file.includes("/")).map((file) => file.split("/")[0]),
  );
  const inline = [...markdown.replace(/```[\s\S]*?```/g, "").matchAll(/`([^`\n]+)`/g)].map(
    (match) => match[1] ?? "",
  );
  return inline.filter((code) => {
    if (!/^(\.\.\/)?[\w@.-]+(\/[\w@.-]+)*\/?$/.test(code) || /^x[.-]/.test(code)) return false;
    const [first = ""] = code.replace(/^\.\.\//, "").split("/");
    return (
      /\.(ts|mjs|conf|cfg|yaml|yml)$/.test(code) ||
      (code.includes("/") && folders.has(first) && first !== "data")
    );
  });
}

/**
 * From the root, from the document's folder, or, for a bare name, anywhere: ARCHITECTURE.md names
 * the folder once and its files after it.
 */
function isThere(path: string, from: string): boolean {
  if (existsSync(join(ROOT, path)) || existsSync(join(ROOT, dirname(from), path))) return true;
  return !path.includes("/") && files.some((file) => file.endsWith(`/${path}`));
}

/** As GitHub makes them: lower case, punctuation gone, spaces to hyphens. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const headings = [...markdown.replace(/```[\s\S]*?```/g, "").matchAll(/^#{1,6} +(.+)$/gm)].map(
    (match) => match[1] ?? "",
  );
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replace(/\s/g, "-"),
    ),
  );
}
