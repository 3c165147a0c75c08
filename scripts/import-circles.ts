/**
 * Which files import each other in a circle. An `import type` counts: who reads one file of a
 * circle has to read all of them.
 */

import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { Glob } from "bun";

type Graph = ReadonlyMap<string, readonly string[]>;
type Exports = string | Readonly<Record<string, unknown>>;

const IMPORT = new RegExp(
  [
    /^\s*(?:import|export)\b[^;"'`]*?\bfrom\s+"([^"]+)"/,
    /^\s*import\s+"([^"]+)"/,
    /\bimport\(\s*"([^"]+)"\s*\)/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "gm",
);

/** `texts`: by path. `packages`: the `package.json` of each workspace, by its folder. */
export function readImports(
  texts: ReadonlyMap<string, string>,
  packages: ReadonlyMap<string, { readonly name: string; readonly exports?: Exports }>,
): Graph {
  const byName = new Map(
    [...packages].map(([folder, { name, exports }]) => [name, { folder, exports }]),
  );

  function targetOf(file: string, specifier: string): string | undefined {
    if (specifier.startsWith(".")) return normalize(join(dirname(file), specifier));
    const [scope = "", name = "", ...rest] = specifier.split("/");
    const found = byName.get(`${scope}/${name}`);
    if (found === undefined) return undefined;
    const entry = exportOf(found.exports, [".", ...rest].join("/"));
    return entry === undefined ? undefined : normalize(join(found.folder, entry));
  }

  return new Map(
    [...texts].map(([file, text]) => {
      const specifiers = [...text.matchAll(IMPORT)].map(
        (match) => match[1] ?? match[2] ?? match[3],
      );
      const targets = specifiers.map((specifier = "") => targetOf(file, specifier));
      return [file, targets.filter((target) => target !== undefined && texts.has(target))] as [
        string,
        string[],
      ];
    }),
  );
}

function exportOf(exports: Exports | undefined, path: string): string | undefined {
  const found = typeof exports === "object" ? exports[path] : path === "." ? exports : undefined;
  if (typeof found === "string") return found;
  if (typeof found !== "object" || found === null) return undefined;
  return Object.values(found as Readonly<Record<string, unknown>>).find(
    (target) => typeof target === "string",
  ) as string | undefined;
}

/** Tarjan's strongly connected components that have more than one file, or a file of itself. */
export function findCircles(graph: Graph): readonly (readonly string[])[] {
  const found = new Map<string, { readonly index: number; lowest: number }>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const circles: string[][] = [];

  function visit(file: string): { readonly index: number; lowest: number } {
    const own = { index: found.size, lowest: found.size };
    found.set(file, own);
    stack.push(file);
    onStack.add(file);
    for (const target of graph.get(file) ?? []) {
      const known = found.get(target);
      if (known === undefined) own.lowest = Math.min(own.lowest, visit(target).lowest);
      else if (onStack.has(target)) own.lowest = Math.min(own.lowest, known.index);
    }
    if (own.lowest === own.index) {
      const circle = stack.splice(stack.indexOf(file));
      for (const each of circle) onStack.delete(each);
      if (circle.length > 1 || graph.get(file)?.includes(file)) circles.push(circle.sort());
    }
    return own;
  }

  for (const file of graph.keys()) if (!found.has(file)) visit(file);
  return circles;
}

/** Of all TypeScript files below `root`. */
export function findImportCircles(root: string): {
  readonly files: number;
  readonly imports: number;
  readonly circles: readonly (readonly string[])[];
} {
  const read = (file: string) => readFileSync(join(root, file), "utf8");
  const files = [...new Glob("**/*.ts").scanSync(root)].filter(
    (file) => !file.includes("node_modules/"),
  );
  const { workspaces } = JSON.parse(read("package.json")) as { readonly workspaces: string[] };
  const packages = new Map(
    workspaces.map((folder) => [folder, JSON.parse(read(`${folder}/package.json`))]),
  );
  const graph = readImports(new Map(files.map((file) => [file, read(file)])), packages);
  const imports = [...graph.values()].reduce((sum, targets) => sum + targets.length, 0);
  return { files: files.length, imports, circles: findCircles(graph) };
}
