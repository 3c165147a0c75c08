/** A setting as commander reads it, from the command line and from the environment. */

import { type Command, InvalidArgumentError, Option } from "commander";
import type { z } from "zod";
import { OperatorError } from "../operator-error.ts";
import { type SettingValues, settingsOf, type ValuesOf, withDefaults } from "./schema.ts";
import {
  type CommandName,
  defaultTextOf,
  helpOf,
  isSwitch,
  type Setting,
  variableOf,
} from "./setting.ts";
import { COUNT_MAX, count, parseValue, port } from "./values.ts";

/** What an entry needs to be an option of a command that runs no server. */
export type PlainSetting = Omit<Setting, "commands"> & { readonly isRequired?: true };

export function addSettings(command: Command, name: CommandName): Command {
  for (const [, entry] of settingsOf(name)) {
    const text = defaultTextOf(entry, name);
    command.addOption(
      toOption({
        ...entry,
        ...entry.commands[name],
        help: helpOf(entry, name),
        ...(text === undefined ? {} : { default: text }),
      }),
    );
  }
  return command;
}

/** The values that commander has read for a command, as its role reads them. */
export function readValues<Name extends CommandName>(
  name: Name,
  options: Readonly<Record<string, unknown>>,
): ValuesOf<Name> {
  const given = settingsOf(name).map(([key, entry]) => [
    key,
    options[new Option(entry.flags).attributeName()],
  ]);
  const values: SettingValues = withDefaults(Object.fromEntries(given));
  // commander refuses a command without a setting that it requires.
  return values as ValuesOf<Name>;
}

export function toOption(entry: PlainSetting): Option {
  const made = new Option(entry.flags, entry.help);
  if (entry.choices !== undefined) made.choices(entry.choices);
  if (entry.default !== undefined) setDefault(made, entry.default, entry);
  if (entry.isRequired === true) made.makeOptionMandatory();
  if (!isSwitch(entry))
    made.argParser((text: string, earlier: unknown) => read(entry, text, earlier));
  return isSwitch(entry) && isOff(process.env[variableOf(entry)])
    ? made
    : made.env(variableOf(entry));
}

/** The value, and what `--help` shows: numbers as they are written, words in quotation marks. */
function setDefault(made: Option, text: string, entry: PlainSetting): void {
  const value = parseValue(entry.value, text);
  const shown = Array.isArray(value) ? JSON.stringify(value) : JSON.stringify(text);
  made.default(value, typeof value === "number" ? text : shown);
}

function read(entry: PlainSetting, text: string, earlier: unknown): unknown {
  if (text.trim() === "" && entry.mayBeEmpty !== true && entry.choices === undefined)
    throw new InvalidArgumentError("It is empty: give it a value, or leave it out.");
  let value: unknown;
  try {
    value = parseValue(entry.value, text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // commander's own words repeat the text.
    if (entry.isConfidential === true) throw new OperatorError(message);
    throw new InvalidArgumentError(message);
  }
  return Array.isArray(value) ? [...(Array.isArray(earlier) ? earlier : []), ...value] : value;
}

/** In the environment a switch is on by `on`, `true` or `1`, and off by their opposites. */
function isOff(text: string | undefined): boolean {
  return text !== undefined && OFF.has(text.trim().toLowerCase());
}
const OFF = new Set(["", "off", "false", "no", "0"]);

/** For commander programs of developers. */
export const toPort = argumentParser(port);
export const toPositiveInteger = argumentParser(count(COUNT_MAX));

function argumentParser<Value>(value: z.ZodType<Value>): (text: string) => Value {
  return (text) => {
    try {
      return parseValue(value, text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}
