/** The command line: `ovation <command>`. Each command is a file in `commands/`. */

import { addLoadCommand } from "@ovation/load";
import { Command } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { addLogCommand } from "./commands/log.ts";
import { addRoleCommands } from "./commands/roles.ts";
import { addStartCommand } from "./commands/start.ts";
import { addTokenCommand } from "./commands/token.ts";
import { OperatorMistake } from "./operator-mistake.ts";
import { addReplayCommand } from "./replay/mod.ts";

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

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (!(error instanceof OperatorMistake)) throw error;
  console.error(`ovation: ${error.message}`);
  process.exit(1);
}
