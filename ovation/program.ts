/** The program with all its commands; `main.ts` runs it. */

import { addLoadCommand } from "@ovation/load";
import { Command } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { addLogCommand } from "./commands/log.ts";
import { addRoleCommands } from "./commands/roles.ts";
import { addStartCommand } from "./commands/start.ts";
import { addTokenCommand } from "./commands/token.ts";
import { addReplayCommand } from "./replay/mod.ts";

export function createProgram(): Command {
  const program = new Command("ovation")
    .description("Live comments, likes and personal events for live video.")
    .version(packageJson.version)
    .configureHelp({ sortOptions: false })
    .showHelpAfterError("(ovation --help shows what there is)")
    .addHelpText(
      "after",
      "\nEvery option is also read from the environment: --rate-limits is OVATION_RATE_LIMITS.",
    );

  addStartCommand(program);
  addRoleCommands(program);
  addLogCommand(program);
  addTokenCommand(program);
  addReplayCommand(program);
  addLoadCommand(program);
  return program;
}
