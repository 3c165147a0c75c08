/**
 * Writes `comments/names/confusables.json` from Unicode's table of look-alikes (UTS #39):
 *
 *   curl -O https://www.unicode.org/Public/security/latest/confusables.txt
 *   sh ovation/bin/bun scripts/confusables-table.ts confusables.txt
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("name the file confusables.txt");
const text = readFileSync(file, "utf8");
const version = /^# Version: (\S+)/m.exec(text)?.[1] ?? "unknown";

const toText = (points: string) =>
  points
    .trim()
    .split(/\s+/)
    .map((point) => String.fromCodePoint(Number.parseInt(point, 16)))
    .join("");
const pairs = [...text.matchAll(/^([0-9A-F]+)\s*;\s*([0-9A-F ]+?)\s*;\s*MA/gm)]
  .map(([, from = "", to = ""]) => [toText(from), toText(to)] as const)
  // Names are compared in compatibility form and without marks: what changes only those needs no
  // row.
  .filter(([from, to]) => from.normalize("NFKD") === from && !/^\p{M}/u.test(from) && from !== to);
if (pairs.length < 1_000) throw new Error(`${file} is not Unicode's confusables.txt`);

const table = {
  source:
    `Unicode Security Mechanisms, UTS #39, confusables.txt ${version}, ` +
    "www.unicode.org/Public/security",
  notice: "Copyright Unicode, Inc.; terms of use: www.unicode.org/copyright.html",
  /** Each a character and what it looks like; apart by tabs. */
  pairs: pairs.map(([from, to]) => from + to).join("\t"),
};
writeFileSync(
  join(import.meta.dir, "../comments/names/confusables.json"),
  `${JSON.stringify(table, null, 2)}\n`,
);
console.log(`${pairs.length} characters of Unicode ${version}`);
