import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FUNCTION_LINES_MAX, findLongFunctions, productFiles } from "./function-lines.ts";

const folder = mkdtempSync(join(tmpdir(), "ovation-functions-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Lines that a count of braces gets wrong. */
const TRICKS = ["const a = `}}$" + "{{ b: `{` }.b}`;", "const c = /[{]}/;", 'const d = "{"; // {'];

function body(lines: number): string {
  const rows = Array.from({ length: lines }, (_, index) => TRICKS[index % TRICKS.length]);
  return rows.map((row) => `  {\n    ${row}\n  }`).join("\n");
}

test("a long function is found in every form, with all its lines", () => {
  const forms: readonly (readonly [name: string, before: string, after: string])[] = [
    ["declared", "export async function* declared(): Promise<{ a: 1 }> {", "}"],
    ["arrow", "const arrow = async (\n  one: string,\n): Promise<void> => {", "};"],
    ["#method", "class A {\n  async #method<T>(of: T): Promise<T> {", "  }\n}"],
    ["constructor", "class A {\n  constructor() {", "  }\n}"],
    ["field", "class A {\n  readonly field = (): void => {", "  };\n}"],
    ["property", "const a = {\n  property: () => {", "  },\n};"],
    ["shorthand", "const a = {\n  async shorthand() {", "  },\n};"],
    ["call", "call(1, (error) => {", "});"],
  ];
  for (const [name, before, after] of forms) {
    const file = `${name.replace("#", "")}.ts`;
    writeFileSync(join(folder, file), `${before}\n${body(30)}\n${after}\n`);
    const inSignature =
      before.split("\n").length - 1 - (/^(class A|const a )/.test(before) ? 1 : 0);
    const found = findLongFunctions([file], folder);
    expect(found.map((one) => [one.name, one.lines])).toEqual([[name, 92 + inSignature]]);
  }
});

test("a function of 80 lines is not too long, nor are a class and an object of short ones", () => {
  const short = "  method() {\n    return 1;\n  }\n";
  const lines = Array.from({ length: FUNCTION_LINES_MAX - 2 }, () => "  call();").join("\n");
  writeFileSync(join(folder, "short.ts"), `function short() {\n${lines}\n}\n`);
  writeFileSync(join(folder, "class.ts"), `class A {\n${short.repeat(40)}}\n`);
  writeFileSync(join(folder, "longer.ts"), `function longer() {\n${lines}\n  call();\n}\n`);
  const found = findLongFunctions(["short.ts", "class.ts", "longer.ts"], folder);
  expect(found.map(({ name, lines: count }) => [name, count])).toEqual([["longer", 81]]);
});

test("product code is what ships and the tools, without tests", () => {
  const files = productFiles();
  expect(files.length).toBeGreaterThan(500);
  for (const file of ["frontend/frontend.ts", "ovation/faults/run.ts", "testing/postgres.ts"])
    expect(files).toContain(file);
  expect(files.filter((file) => /\.test\.ts$|\.contract\.ts$|node_modules/.test(file))).toEqual([]);
});
