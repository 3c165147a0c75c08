/**
 * How long the functions of product code are, from their first line to the closing brace. Biome
 * parses and reports them, except getters and setters. Its own count leaves out signatures and
 * comments, so its limit is set low and the location counts.
 *
 *     sh ovation/bin/bun scripts/function-lines.ts            lowers the counts of the budget
 *     sh ovation/bin/bun scripts/function-lines.ts log/       lists long functions of a folder
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";

const ROOT = join(import.meta.dir, "..");
const LEFT = "scripts/function-lines-left.txt";
export const FUNCTION_LINES_MAX = 80;

/** A suite of tests is one function, which `describe` divides. */
const TEST = /\.(test|contract|fuzz|spec)\.ts$|(^|\/)(browser-tests|webkit-tests)\/|.\/testing\//;

export interface FoundFunction {
  readonly file: string;
  /** Of an argument the called function; `anonymous` where the line has no name. */
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}

interface Diagnostic {
  readonly category: string;
  readonly location: {
    readonly path: string;
    readonly start: { readonly line: number; readonly column: number };
    readonly end: { readonly line: number };
  };
}

/** The root's `testing/` also starts servers for the local cluster: it counts as product code. */
export function productFiles(): readonly string[] {
  return [...new Glob("**/*.{ts,js,mjs}").scanSync(ROOT)]
    .filter((file) => !/(^|\/)(node_modules|dist|data|test-results|media)\//.test(file))
    .filter((file) => !TEST.test(file) && !/\.(d\.ts|min\.js)$|\.config\.ts$/.test(file))
    .sort();
}

/** Functions of more than so many lines. `files` are below `folder`. */
export function findLongFunctions(
  files: readonly string[],
  folder = ROOT,
  linesMax = FUNCTION_LINES_MAX,
): readonly FoundFunction[] {
  const config = `--config-path=${join(ROOT, "scripts/function-lines.json")}`;
  const command = [join(ROOT, "node_modules/.bin/biome"), "lint", "--reporter=json", config];
  const { stdout, stderr } = Bun.spawnSync(
    [...command, "--max-diagnostics=none", "--colors=off", ...files],
    { cwd: folder },
  );
  const output = stdout.toString();
  if (!output.startsWith("{")) throw new Error(`biome: ${output}${stderr.toString()}`);
  const { diagnostics } = JSON.parse(output) as { readonly diagnostics: readonly Diagnostic[] };
  return diagnostics
    .filter(({ category }) => category.endsWith("/noExcessiveLinesPerFunction"))
    .map(({ location: { path, start, end } }) => {
      const line = readFileSync(join(folder, path), "utf8").split("\n")[start.line - 1] ?? "";
      return { file: path, name: nameIn(line), line: start.line, lines: end.line - start.line + 1 };
    })
    .filter(({ lines }) => lines > linesMax)
    .sort((left, right) => right.lines - left.lines);
}

/** The name of the function that begins in this line. */
function nameIn(line: string): string {
  const forms = [
    /\bfunction\*? ([\w$]+)/,
    /\b(?:const|let) ([\w$]+) =/,
    /^\s*(?:[a-z]+ )*\*?(#?[\w$]+)(?:<.*>)?\(/,
    /^\s*(?:[a-z]+ )*(#?[\w$]+)(?::.*)? =/,
    /^\s*"?([\w$-]+)"?: (?:async )?\(/,
  ];
  for (const form of forms) {
    const [, name] = form.exec(line) ?? [];
    if (name !== undefined) return name;
  }
  return "anonymous";
}

/** By file and name; of several with the same name the longest. */
export function countByFunction(found: readonly FoundFunction[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { file, name, lines } of found) {
    const key = `${file} ${name}`;
    counts.set(key, Math.max(lines, counts.get(key) ?? 0));
  }
  return counts;
}

/** The functions that are not shortened yet, with their lines. */
export function readLeft(): ReadonlyMap<string, number> {
  const rows = readFileSync(join(ROOT, LEFT), "utf8")
    .split("\n")
    .filter((row) => row !== "" && !row.startsWith("#"));
  return new Map(
    rows.map((row) => {
      const [lines, file, name] = row.split(" ");
      return [`${file} ${name}`, Number(lines)];
    }),
  );
}

/** Removes what was shortened; never adds a function, nor raises one. */
function lowerLeft(counts: ReadonlyMap<string, number>): void {
  const left = [...readLeft()].flatMap(([key, allowed]) => {
    const lines = counts.get(key);
    return lines === undefined ? [] : [`${Math.min(lines, allowed)} ${key}\n`];
  });
  const header = readFileSync(join(ROOT, LEFT), "utf8").match(/^(#.*\n)*/)?.[0] ?? "";
  writeFileSync(join(ROOT, LEFT), header + left.join(""));
}

if (import.meta.main) {
  const found = findLongFunctions(productFiles());
  const [below] = process.argv.slice(2);
  if (below === undefined) lowerLeft(countByFunction(found));
  else {
    for (const { file, line, name, lines } of found)
      if (file.startsWith(below)) console.log(`${file}:${line}: ${name}: ${lines} lines`);
  }
}
