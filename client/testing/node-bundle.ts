/**
 * Bundles the SDK and the `eventsource` package into one file for Node, which does not run our
 * TypeScript.
 */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export async function bundleForNode(path: string): Promise<void> {
  const here = dirname(fileURLToPath(import.meta.url));
  const { outputs, logs } = await Bun.build({
    entrypoints: [join(here, "node-entry.ts")],
    target: "node",
    format: "esm",
  });
  const [output] = outputs;
  if (output === undefined) throw new AggregateError(logs, "the SDK does not bundle");
  await Bun.write(path, output);
}
