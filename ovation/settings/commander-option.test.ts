import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { createProgram } from "../program.ts";
import { addSettings, readValues } from "./commander-option.ts";
import { SCHEMA, settingsOf, valuesFor, withDefaults } from "./schema.ts";
import { COMMANDS, type CommandName, type Setting, variableOf } from "./setting.ts";

const variables: string[] = [];
afterEach(() => {
  for (const name of variables.splice(0)) delete process.env[name];
});

function setVariable(name: string, value: string): void {
  variables.push(name);
  process.env[name] = value;
}

function parse(name: CommandName, words: readonly string[]) {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  addSettings(command, name).parse([...words], { from: "user" });
  return readValues(name, command.opts());
}

/** `start: --port <port> (default: 8080, env: OVATION_PORT)`, from what `--help` shows. */
function publicOptions(): readonly string[] {
  return allCommands(createProgram()).flatMap((command) => {
    const help = command.createHelp();
    const names = [command.parent?.name(), command.name()].filter((each) => each !== "ovation");
    return command.options.map((option) => {
      const [facts = ""] =
        /\((?:choices|default|env)[^()]*\)$/.exec(help.optionDescription(option)) ?? [];
      return `${names.join(" ")}: ${option.flags} ${facts}`;
    });
  });
}

function allCommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

test("public-options.txt: each flag, variable, choice and default is as it was recorded", () => {
  const file = join(import.meta.dir, "public-options.txt");
  const recorded = readFileSync(file, "utf8").trim().split("\n");
  const current = new Set(publicOptions());
  expect(recorded.filter((line) => !current.has(line))).toEqual([]);
  expect(recorded.length).toBeGreaterThan(90);
});

describe("each setting", () => {
  test("is an option of the commands that it names, once", () => {
    for (const [key, entry] of Object.entries<Setting>(SCHEMA))
      for (const command of COMMANDS) {
        const count = settingsOf(command).filter(([name]) => name === key).length;
        expect([key, command, count]).toEqual([key, command, command in entry.commands ? 1 : 0]);
      }
  });

  test("has its own variable, and the command line overrides it", () => {
    const names = Object.values<Setting>(SCHEMA).map(variableOf);
    expect(new Set(names).size).toBe(names.length);
    setVariable("OVATION_DRAIN_SECONDS", "3");
    expect(parse("start", []).drainMs).toBe(3000);
    expect(parse("start", ["--drain-seconds", "4"]).drainMs).toBe(4000);
  });
});

test("a command without a setting has its default", () => {
  const values = parse("dispatcher", ["--table", "redis://x:1", "--database", "postgres://x/y"]);
  expect(values).toMatchObject({ port: 8081, guests: true, videos: "any", peers: [] });
  expect(values).not.toHaveProperty("stuckMs");
});

test("a command refuses to start without what it requires", () => {
  expect(() => parse("frontend", [])).toThrow("--dispatcher <url...>' not specified");
});

test("lists add up, over entries of one word too", () => {
  const words = ["--dispatcher", "http://a:1", "http://b:1,http://c:1"];
  expect(parse("frontend", words).dispatchers).toEqual(["http://a:1", "http://b:1", "http://c:1"]);
});

test("the error of a confidential value does not repeat it", () => {
  const words = ["--table", "redis://user:geheim@", "--database", "postgres://x/y"];
  expect(() => parse("dispatcher", words)).toThrow("--table: ");
  try {
    parse("dispatcher", words);
  } catch (error) {
    expect(String(error)).not.toContain("geheim");
  }
});

test("a switch is off in the environment by off, false, no and 0", () => {
  setVariable("OVATION_DEMO", "off");
  expect(parse("start", []).demo).toBeUndefined();
  process.env["OVATION_DEMO"] = "on";
  expect(parse("start", []).demo).toBe(true);
});

test("valuesFor: a process is sent the settings of its own command, and no others", () => {
  const values = withDefaults({ stuckMs: 5, guests: false, dataDirectory: "/x" });
  expect(valuesFor("frontend", values)).toMatchObject({
    stuckMs: 5,
    guests: true,
    dataDirectory: "./data",
  });
});
