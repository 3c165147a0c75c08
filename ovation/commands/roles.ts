/** `ovation frontend`, `ovation dispatcher`, `ovation comments`: one role each, for clusters. */

import type { Command } from "commander";
import type { Logger } from "pino";
import { startCommentsRole } from "../roles/comments-role.ts";
import { startDispatcherRole } from "../roles/dispatcher-role.ts";
import { startFrontendRole } from "../roles/frontend-role.ts";
import type { RunningRole } from "../roles/running-role.ts";
import { addSettings, readValues } from "../settings/commander-option.ts";
import type { ValuesOf } from "../settings/schema.ts";
import type { CommandName } from "../settings/setting.ts";
import type { Settings } from "../settings/settings.ts";
import type { InternalSettings } from "../wiring/internal-calls.ts";
import { resolveInternal, resolveSettings } from "./resolve-settings.ts";
import { runRole } from "./run.ts";
import { requireSecret } from "./secrets.ts";

interface RoleCommand<Name extends CommandName> {
  readonly name: Name;
  readonly description: string;
  readonly start: (
    settings: Settings & ValuesOf<Name>,
    internal: InternalSettings,
  ) => Promise<RunningRole>;
}

export function addRoleCommands(program: Command): void {
  addRole(program, {
    name: "frontend",
    description: "hold connections and broadcast to them",
    start: (settings, internal) => startFrontendRole({ settings, internal }),
  });
  addRole(program, {
    name: "dispatcher",
    description: "look up who has a subscriber, dispatch to those, forward to other data centres",
    start: (settings, internal) => startDispatcherRole({ settings, internal }),
  });
  addRole(program, {
    name: "comments",
    description: "comments, likes, videos, guests and the pages",
    start: (settings, internal) => startCommentsRole({ settings, internal }),
  });
}

function addRole<Name extends CommandName>(program: Command, role: RoleCommand<Name>): void {
  const command = program.command(role.name).description(role.description);
  addSettings(command, role.name).action(async (options: Record<string, unknown>) => {
    const values = readValues(role.name, options);
    const secret = requireSecret(values.secret);
    const internal = () => resolveInternal(values, secret);
    await runRole({
      name: role.name,
      read(logger?: Logger) {
        // A reload checks the internal certificates before anything changes.
        internal();
        return resolveSettings(values, secret, logger);
      },
      start: (settings) => role.start(settings, internal()),
    });
  });
}
