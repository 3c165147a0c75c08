/**
 * `docs/operating/settings.md`, written from the schema in `ovation/settings/`:
 *
 *     sh ovation/bin/bun scripts/settings-document.ts
 *
 * A test checks that the committed page is the current one.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SCHEMA } from "../ovation/settings/schema.ts";
import {
  COMMANDS,
  type CommandName,
  defaultTextOf,
  helpOf,
  type Setting,
  variableOf,
} from "../ovation/settings/setting.ts";
import { formatTable } from "./errors-document.ts";

export const SETTINGS_PAGE = join(import.meta.dir, "../docs/operating/settings.md");

const INTRODUCTION = [
  "Every setting of `ovation start` and of the roles of a cluster.",
  "Each is a flag or a variable of the environment; the flag wins.",
  "An empty variable is refused, except for secrets and switches.",
  "What [the policy file](../policy.md) sets wins over both.",
].join("\n");

export function formatSettingsPage(): string {
  const rows = Object.values<Setting>(SCHEMA).map((entry) => [
    `\`${entry.flags.replaceAll("|", "\\|")}\``,
    `\`${variableOf(entry)}\``,
    perCommand(entry, (command) => defaultTextOf(entry, command) ?? "").replace(/^$/, "–"),
    commandsOf(entry)
      .map((command) => `\`${command}\`${entry.commands[command]?.isRequired ? " (required)" : ""}`)
      .join(", "),
    perCommand(entry, (command) => helpOf(entry, command)),
    entry.page === undefined ? "" : `[${entry.page.replace(/^\.\.\//, "")}](${entry.page})`,
  ]);
  return `# Settings

<!-- Written by scripts/settings-document.ts from ovation/settings/. Change it there. -->

${INTRODUCTION}

${formatTable(["flag", "variable", "default", "commands", "what", "more"], rows)}
`;
}

function commandsOf({ commands }: Setting): readonly CommandName[] {
  return COMMANDS.filter((command) => command in commands);
}

/** One text where all commands have the same, else each with its commands. */
function perCommand(entry: Setting, of: (command: CommandName) => string): string {
  const names = new Map<string, CommandName[]>();
  for (const command of commandsOf(entry)) {
    const text = of(command).replaceAll("|", "\\|");
    names.set(text, [...(names.get(text) ?? []), command]);
  }
  if (names.size === 1) return [...names.keys()].join();
  return [...names].map(([text, commands]) => `\`${commands.join("`, `")}\`: ${text}`).join("<br>");
}

if (import.meta.main) writeFileSync(SETTINGS_PAGE, formatSettingsPage());

export function isSettingsPageCurrent(): boolean {
  return readFileSync(SETTINGS_PAGE, "utf8") === formatSettingsPage();
}
