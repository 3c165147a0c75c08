/**
 * Checks words and line width by `docs/glossary.md`.
 *
 *     sh ovation/bin/bun scripts/words.ts            lists the lines that break a rule
 *     sh ovation/bin/bun scripts/words.ts log/       those of a folder or file
 */

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const GLOSSARY = "docs/glossary.md";
const COLUMNS_MAX = 100;

const TEXT = /\.(ts|js|mjs|css|html|sh|py|go|c|md|json|yml|yaml|conf|cfg|service)$/;
const CODE = /\.(ts|js|mjs|css|html|sh|py|go|c)$/;
/** The list itself, generated files, and what people in the demo say. */
const EXEMPT = new Set([GLOSSARY, "package-lock.json", "ovation/demo/demo-texts.ts"]);

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly rule: "word" | "width";
  readonly text: string;
}

/** The first column of the table under "Words that are not used". */
export function parseUnusedWords(glossary: string): readonly string[] {
  const [, table = ""] = glossary.split("| not used |");
  const rows = table.split("\n\n")[0]?.split("\n") ?? [];
  return rows.flatMap((row) =>
    [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word),
  );
}

export function findIn(file: string, text: string, words: readonly string[]): readonly Finding[] {
  // A word within a longer name (`role-word`, `wordElse`) is another word.
  const unused = new RegExp(`(?<![\\w-])(${words.join("|")})(?![\\w-])`, "i");
  return text.split("\n").flatMap((content, index): readonly Finding[] => {
    const at = { file, line: index + 1, text: content.trim() };
    const findings: Finding[] = [];
    // A quoted single word is a value, as the Unix user of that name.
    if (unused.test(content.replace(/"\w+"/g, '""'))) findings.push({ ...at, rule: "word" });
    if (CODE.test(file) && isTooWide(content)) findings.push({ ...at, rule: "width" });
    return findings;
  });
}

/** A URL cannot be wrapped. */
function isTooWide(line: string): boolean {
  return line.length > COLUMNS_MAX && !line.includes("://");
}

export function findAll(): readonly Finding[] {
  const words = parseUnusedWords(readText(GLOSSARY));
  return listFiles().flatMap((file) => findIn(file, readText(file), words));
}

function readText(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

function listFiles(): readonly string[] {
  const git = Bun.spawnSync(["git", "ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: ROOT,
  });
  return git.stdout
    .toString()
    .split("\n")
    .filter((file) => TEXT.test(file) && !EXEMPT.has(file))
    .filter((file) => existsSync(join(ROOT, file)) && statSync(join(ROOT, file)).isFile());
}

if (import.meta.main) {
  const [below = ""] = process.argv.slice(2);
  for (const { file, line, rule, text } of findAll()) {
    if (file.startsWith(below)) console.log(`${file}:${line}: ${rule}: ${text.slice(0, 160)}`);
  }
}
