/**
 * How long the functions of product code are, from their first line to the closing brace. Biome
 * parses and reports them, except getters and setters. Its own count leaves out signatures and
 * comments, so its limit is set low and the location counts.
 *
 *     sh ovation/bin/bun scripts/function-lines.ts            lists long functions
 *     sh ovation/bin/bun scripts/function-lines.ts log/       those of a folder
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";

const ROOT = join(import.meta.dir, "..");
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

if (import.meta.main) {
  const [below = ""] = process.argv.slice(2);
  for (const { file, line, name, lines } of findLongFunctions(productFiles()))
    if (file.startsWith(below)) console.log(`${file}:${line}: ${name}: ${lines} lines`);
}
