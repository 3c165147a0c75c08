/** The command line: `ovation <command>`. Each command is a file in `commands/`. */

import { OperatorError } from "./operator-error.ts";
import { createProgram } from "./program.ts";

try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  if (!(error instanceof OperatorError)) throw error;
  console.error(`ovation: ${error.message}`);
  process.exit(1);
}
