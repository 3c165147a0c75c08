/**
 * One setting of the operator: its flag, from which its environment variable follows, its default,
 * its help and who has it. `--help`, the environment, the type `Settings` and
 * `docs/operating/settings.md` are made from it.
 */

import type { z } from "zod";

/** The commands that run servers, each with settings of its own. */
export const COMMANDS = ["start", "frontend", "dispatcher", "comments"] as const;
export type CommandName = (typeof COMMANDS)[number];

/** What one command has of its own, where it differs from the entry. */
export interface Variant {
  readonly default?: string;
  readonly help?: string;
  readonly isRequired?: true;
}

export interface Setting {
  /** `--drain-seconds <s>`; with `...`, one that can be given several times. */
  readonly flags: string;
  readonly help: string;
  /** From the text of the command line or the environment to the value that roles get. */
  readonly value: z.ZodType;
  /** As an operator would write it. A command without the setting has it too. */
  readonly default?: string;
  readonly commands: Readonly<Partial<Record<CommandName, Variant>>>;
  /** The values that it takes, where `--help` lists them. */
  readonly choices?: readonly string[];
  /** Errors do not repeat its text, which may hold a password. */
  readonly isConfidential?: true;
  /** An empty variable is one that is not set. */
  readonly mayBeEmpty?: true;
  /** The page in `docs/operating/` that explains it. */
  readonly page?: string;
}

export type SettingGroup = Readonly<Record<string, Setting>>;

/** For entries that all commands have alike. */
export const EVERY_COMMAND = { start: {}, frontend: {}, dispatcher: {}, comments: {} } as const;

/** Keeps the exact type of an entry, from which the type of the settings is inferred. */
export function setting<const Entry extends Setting>(entry: Entry): Entry {
  return entry;
}

/** `drain-seconds` */
export function nameOf({ flags }: Pick<Setting, "flags">): string {
  return /^--([a-z-]+)/.exec(flags)?.[1] ?? "";
}

/** `OVATION_DRAIN_SECONDS` */
export function variableOf(entry: Pick<Setting, "flags">): string {
  return `OVATION_${nameOf(entry).replaceAll("-", "_").toUpperCase()}`;
}

/** A switch takes no value: `--demo`. */
export function isSwitch({ flags }: Pick<Setting, "flags">): boolean {
  return !flags.includes("<");
}

export function defaultTextOf(entry: Setting, command: CommandName): string | undefined {
  return entry.commands[command]?.default ?? entry.default;
}

export function helpOf(entry: Setting, command: CommandName): string {
  return entry.commands[command]?.help ?? entry.help;
}
