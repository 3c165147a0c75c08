/** Makes one file of the SDK and of the `eventsource` package, for Node, which runs no TypeScript of ours. */

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
