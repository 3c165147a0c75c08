/** Words and line width, by `docs/glossary.md`. */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findAll, findIn, parseUnusedWords } from "./words.ts";

const words = parseUnusedWords(
  readFileSync(join(import.meta.dir, "..", "docs/glossary.md"), "utf8"),
);

test("no line has an unused word or more than 100 columns", () => {
  // docs/glossary.md has the word to use.
  expect(findAll()).toEqual([]);
});

test("the glossary's table of unused words is read as whole words, in every letter case", () => {
  expect(words).toContain("whoever");
  expect(words.length).toBeGreaterThan(40);
  const word = words[0] ?? "";
  const lines = [`// ${word.toUpperCase()} asks`, `${word}Else = 1;`, `user-${word}`, "life cycle"];
  expect(findIn("x.ts", lines.join("\n"), words).map(({ line }) => line)).toEqual([1]);
});

test("width counts comments and strings of code, not Markdown nor what cannot be wrapped", () => {
  const wide = `// ${"word ".repeat(20)}`;
  const url = `// https://example.org/${"a".repeat(90)}`;
  expect(findIn("x.ts", `${wide}\n${url}`, words).map(({ line }) => line)).toEqual([1]);
  expect(findIn("x.md", wide, words)).toEqual([]);
});
