/** What may be imported: no circles, and no test or tool by product code. */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { Glob } from "bun";
import { findCircles, findImportCircles, readImports } from "./import-circles.ts";

const ROOT = join(import.meta.dir, "..");
const SPECIFIER = /(?:\bfrom|\bimport)\s*\(?\s*["']([^"'\n]+)["']/g;

/** A file that only tests import, or that is one. */
const TEST = new RegExp(
  "\\.(test|contract|fuzz|bench)\\.ts$|(^|/)(testing|browser-tests|webkit-tests)/|" +
    "^playwright\\.config\\.ts$",
);

/** Programs of developers. They start the product as tests do; the product imports none of them. */
const TOOL =
  /^(scripts|simulation|ovation\/(cluster|faults)|load\/(harness|benchmarks))\/|^load\/bench\.ts$/;

const files = [...new Glob("**/*.ts").scanSync(ROOT)].filter(
  (file) => !file.includes("node_modules/") && !TEST.test(file) && !TOOL.test(file),
);

test("product code imports nothing that exists for tests or tools", async () => {
  expect(files.length).toBeGreaterThan(200);
  const texts = await Promise.all(files.map((file) => Bun.file(join(ROOT, file)).text()));
  expect(files.flatMap((file, index) => forbiddenImports(file, texts[index] ?? ""))).toEqual([]);
});

test("a package that ships does not depend on testing/, and does not export its own fakes", () => {
  const { workspaces } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    readonly workspaces: readonly string[];
  };
  const offending = workspaces.filter((folder) => {
    const text = readFileSync(join(ROOT, folder, "package.json"), "utf8");
    return folder !== "testing" && /@ovation\/testing|"\.\/testing"|\/testing\//.test(text);
  });
  expect(workspaces).toContain("testing");
  expect(offending).toEqual([]);
});

test("an import of testing code is found in every form in which it can be written", () => {
  const forms = [
    `import { until } from "../testing/until.ts";`,
    `import type { Server } from "../testing/redis.ts";`,
    `import "../testing/mod.ts";`,
    `export * from '../testing/mod.ts';`,
    `const { until } = await import("../testing/until.ts");`,
    `import {\n  until,\n} from "@ovation/testing";`,
    `import { startRedis } from "@ovation/table/testing";`,
    `import { Viewer } from "./testing/viewer.ts";`,
    `import { startCluster } from "../../ovation/cluster/local-cluster.ts";`,
    `import { contract } from "./hub.contract.ts";`,
  ];
  for (const form of forms)
    expect(forbiddenImports("frontend/broadcast/hub.ts", form)).toHaveLength(1);
  expect(forbiddenImports("frontend/broadcast/hub.ts", `import { Hub } from "./hub.ts";`)).toEqual(
    [],
  );
});

test("no file imports itself by way of others, `import type` counted", () => {
  const { files, imports, circles } = findImportCircles(ROOT);
  expect(files).toBeGreaterThan(500);
  expect(imports).toBeGreaterThan(files);
  expect(circles).toEqual([]);
});

test("a circle is found over types, re-exports, dynamic imports and packages", () => {
  const packages = new Map([["log", { name: "@ovation/log", exports: { ".": "./mod.ts" } }]]);
  const texts = new Map([
    ["log/mod.ts", `export { type Log,\n openLog } from "./log.ts";`],
    ["log/log.ts", `import type { Stage } from "../ovation/stage.ts";`],
    ["ovation/stage.ts", `const { later } = await import("./later.ts");`],
    ["ovation/later.ts", `import "./last.ts";`],
    ["ovation/last.ts", `import {\n  type Log,\n} from "@ovation/log";`],
    ["ovation/main.ts", `import { last } from "./last.ts";`],
  ]);
  const inCircle = [...texts.keys()].filter((file) => file !== "ovation/main.ts").sort();
  expect(findCircles(readImports(texts, packages))).toEqual([inCircle]);
  texts.set("log/log.ts", "export interface Log {}");
  expect(findCircles(readImports(texts, packages))).toEqual([]);
});

function forbiddenImports(file: string, text: string): readonly string[] {
  return [...text.matchAll(SPECIFIER)].flatMap(([, specifier = ""]) => {
    const target = specifier.startsWith(".")
      ? normalize(join(dirname(file), specifier))
      : specifier.replace(/^@ovation\//, "").replace(/^[\w-]+$/, "$&/mod.ts");
    return TEST.test(target) || TEST.test(`${target}/`) || TOOL.test(target)
      ? [`${file}: ${specifier}`]
      : [];
  });
}
