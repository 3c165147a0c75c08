/**
 * Every command of the documentation, in fenced blocks and in running text, is parsed as the
 * program parses it: commands, options and values of `ovation`, options that `--help` of an npm
 * script has, files that are there, URLs that are served. `document-commands.test.ts` runs them.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import type { Command } from "commander";
import { createProgram } from "../ovation/program.ts";
import packageJson from "../package.json" with { type: "json" };
import { Server } from "../testing/server.ts";

const ROOT = join(import.meta.dir, "..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const DOCUMENTS = [
  ...["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md", "deploy/README.md"],
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

interface Written {
  readonly words: readonly string[];
  readonly text: string;
  readonly where: string;
  /** It stands in a block of its own and leaves nothing out. */
  readonly isWhole: boolean;
}

/** Lines of fenced blocks of the shell, whole: those that end with a backslash are one. */
function fencedLines(text: string): readonly string[] {
  const blocks = text.matchAll(/^ *```(?:sh|bash|console|shell)?\n([\s\S]*?)^ *```$/gm);
  return [...blocks].flatMap(([, block = ""]) => block.replaceAll(/\\\n\s*/g, " ").split("\n"));
}

/** Code in running text, which a line break may part. */
function inlineCode(text: string): readonly string[] {
  const running = text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");
  return [...running.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code.replaceAll(/\s+/g, " "));
}

/** Words as a shell has them, up to what ends a command. */
function wordsOf(command: string): readonly string[] {
  const words: string[] = [];
  const form = /'([^']*)'|"([^"]*)"|(\|\||&&|[|;&<>()])|((?:[^\s'"|;&<>()\\]|\$\([^)]*\))+)/g;
  for (const [, single, double, end, plain] of command.replace(/ +# .*$/, "").matchAll(form)) {
    if (end !== undefined) break;
    words.push(single ?? double ?? plain ?? "");
  }
  return words;
}

/** The commands in a line: also behind `npx`, `timeout`, `$(`, `;`, `do` and variables. */
function commandsIn(line: string): readonly string[] {
  const before = /(?:^|[;&|] *|\$\(|\bdo +)(?:[A-Z_]+=[^\s$]\S* +)*(?:npx +|timeout +\S+ +)?/;
  const start = new RegExp(`${before.source}((?:ovation|npm|curl|sh) [^\\n]*)`, "g");
  return [...line.trim().matchAll(start)].map(([, command = ""]) => command);
}

const written: readonly Written[] = DOCUMENTS.flatMap((where) => {
  const toWritten = (line: string, isFenced: boolean): readonly Written[] =>
    commandsIn(line).map((text) => {
      const words = wordsOf(text);
      return { words, text, where, isWhole: isFenced && !words.includes("…") };
    });
  const text = read(where);
  return [
    ...fencedLines(text).flatMap((line) => toWritten(line, true)),
    ...inlineCode(text).flatMap((line) => toWritten(line, false)),
  ];
});
const of = (program: string) => written.filter(({ words }) => words[0] === program);

let server: Server;
beforeAll(async () => {
  server = await Server.start();
}, 30_000);
afterAll(() => server.stop());

/** All commands of the program, which then parse and do nothing else. */
function parsingProgram(): Command {
  const silence = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr() {}, writeOut() {} });
    for (const child of command.commands) silence(child);
    if (command.commands.length === 0) command.action(() => undefined);
  };
  const program = createProgram();
  silence(program);
  return program;
}

/** `N`, `FILE`, `…` stand for a value. */
function filledIn(words: readonly string[]): readonly string[] {
  return words
    .filter((word) => word !== "…" && !/^\[.*\]$/.test(word))
    .map((word) => (/^[A-Z]$/.test(word) ? "1" : word.replaceAll("…", "x")));
}

/** A sentence may name a command without all that it needs. */
const INCOMPLETE = new Set(["commander.missingMandatoryOptionValue", "commander.missingArgument"]);

/** What is wrong with it; undefined where the program takes it. */
async function mistakeIn({ words, isWhole }: Pick<Written, "words" | "isWhole">) {
  const [, ...parameters] = filledIn(words);
  try {
    await parsingProgram().parseAsync(["node", "ovation", ...parameters]);
    return undefined;
  } catch (error) {
    const { code = "", message } = error as { readonly code?: string; readonly message: string };
    const isHelp = code === "commander.helpDisplayed" || code === "commander.help";
    return isHelp || (!isWhole && INCOMPLETE.has(code)) ? undefined : message;
  }
}

test("each `ovation …` has commands, options and values that the program takes", async () => {
  const all = of("ovation");
  expect(all.length).toBeGreaterThan(40);
  const refused: string[] = [];
  for (const command of all) {
    const mistake = await mistakeIn(command);
    if (mistake !== undefined) refused.push(`${command.where}: ${command.text}: ${mistake}`);
  }
  expect(refused).toEqual([]);
});

test("a command with a mistake is refused by this test", async () => {
  const wrong = [
    "ovation begin",
    "ovation start --porf 8080",
    "ovation start --port web",
    "ovation load --connections many",
    "ovation log verifi",
    "ovation frontend --port 1",
  ];
  for (const text of wrong)
    expect([text, await mistakeIn({ words: wordsOf(text), isWhole: true })]).toEqual([
      text,
      expect.any(String),
    ]);
});

/** What `npm run NAME -- --help` prints. */
async function helpOf(script: string): Promise<string> {
  const child = Bun.spawn(["npm", "run", "-s", script, "--", "--help"], { cwd: ROOT });
  const text = await new Response(child.stdout).text();
  expect([script, await child.exited]).toEqual([script, 0]);
  return text;
}

test("each `npm …` names a script, with options that its --help has", async () => {
  const all = of("npm");
  expect(all.length).toBeGreaterThan(30);
  const helps = new Map<string, string>();
  for (const { words, text, where } of all) {
    const [, verb = "", ...rest] = words;
    if (verb === "ci") continue;
    const script = verb === "run" ? (rest[0] ?? "") : verb;
    expect([where, text, Object.hasOwn(packageJson.scripts, script)]).toEqual([where, text, true]);
    const options = rest.filter((word) => /^\[?--[a-z]/.test(word));
    if (options.length === 0 || script === "start") continue;
    if (script === "test") {
      // It has no help: what it takes is one option, and the stages of its own list.
      const stages = rest[rest.indexOf("--only") + 1]?.split(",") ?? [];
      expect([
        text,
        options,
        stages.filter((stage) => !/^(types|lint|bun|browser|webkit)$/.test(stage)),
      ]).toEqual([text, ["--only"], []]);
      continue;
    }
    if (!helps.has(script)) helps.set(script, await helpOf(script));
    const help = helps.get(script) ?? "";
    const unknown = options
      .map((option) => option.replace(/^\[/, "").replace(/[=\]].*$/, ""))
      .filter((option) => option !== "--" && !new RegExp(`${option}\\b(?!-)`).test(help));
    expect([where, text, unknown]).toEqual([where, text, []]);
    if (script === "bench")
      for (const name of rest
        .slice(2)
        .filter((word) => /^[a-z-]+$/.test(word) && word !== "all" && !word.startsWith("-")))
        expect([where, text, new RegExp(`^ *${name} `, "m").test(help)]).toEqual([
          where,
          text,
          true,
        ]);
  }
  expect([...helps.keys()].sort()).toEqual(["bench", "clients", "faults", "simulate"]);
}, 60_000);

test("each `curl …` asks for what is served", async () => {
  const all = of("curl");
  expect(all.length).toBeGreaterThan(2);
  for (const { words, text, where } of all) {
    const address = words.find((word) => /^https?:/.test(word));
    const url = new URL(address ?? "");
    const posts = words.includes("-d");
    const response = await fetch(`${server.url}${url.pathname}${url.search}`, {
      method: posts ? "POST" : "GET",
    });
    await response.body?.cancel();
    expect([where, text, response.status]).toEqual([where, text, posts ? 401 : 200]);
  }
});

test("each `sh …` names a file that is there", () => {
  for (const { words, text, where } of of("sh")) {
    const files = words.slice(1).filter((word) => word.includes("/"));
    const missing = files.filter(
      (file) =>
        ![...new Glob(`${file.replace(/\/$/, "")}*`).scanSync({ cwd: ROOT, onlyFiles: false })]
          .length && !existsSync(join(ROOT, file)),
    );
    expect([where, text, missing]).toEqual([where, text, []]);
  }
});

test("each option that stands alone in running text is one of ours", async () => {
  const known = new Set<string>();
  const collect = (command: Command): void => {
    for (const { long } of command.options) if (long) known.add(long);
    for (const child of command.commands) collect(child);
  };
  collect(createProgram());
  for (const script of ["bench", "clients", "cluster", "faults", "simulate"])
    for (const [option] of (await helpOf(script)).matchAll(/--[a-z][a-z-]+/g)) known.add(option);
  // What `<live-comments>` can be styled by.
  for (const file of new Glob("web/element/**/*.{css,ts}").scanSync(ROOT))
    for (const [property] of read(file).matchAll(/--lc-[a-z-]+/g)) known.add(property);
  const isKnown = (option: string): boolean =>
    known.has(option) || (option.endsWith("-") && [...known].some((one) => one.startsWith(option)));
  const named = DOCUMENTS.flatMap((where) =>
    inlineCode(read(where))
      .filter((code) => code.startsWith("--"))
      .flatMap((code) =>
        [...code.matchAll(/(?<= |^)--[a-z][a-z-]+/g)].map(([option]) => ({ where, option })),
      ),
  );
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter(({ option }) => !isKnown(option))).toEqual([]);
}, 60_000);

test("each variable of the environment that is named is read", () => {
  const options: string[] = [];
  const collect = (command: Command): void => {
    for (const { envVar } of command.options) if (envVar) options.push(envVar);
    for (const child of command.commands) collect(child);
  };
  collect(createProgram());
  const read_ = new Set(options);
  const sources = [
    ...new Glob("{ovation,load,scripts,log,web,examples}/**/*.{ts,mjs}").scanSync(ROOT),
  ]
    .filter((file) => !file.includes("node_modules") && !file.endsWith("document-options.test.ts"))
    .map(read)
    .join("\n");
  const named = DOCUMENTS.flatMap((where) =>
    [...read(where).matchAll(/\bOVATION_[A-Z][A-Z_]*[A-Z]\b/g)].map(([name]) => ({ where, name })),
  );
  expect(named.length).toBeGreaterThan(20);
  const isRead = (name: string): boolean => read_.has(name) || sources.includes(name);
  expect(named.filter(({ name }) => !isRead(name))).toEqual([]);
});
