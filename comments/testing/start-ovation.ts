/** The whole server as its users start it: `ovation start` as a process, with data of its own. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../testing/free-port.ts";

export interface RunningOvation {
  readonly url: string;
  readonly directory: string;
  /** Everything that it has written to its standard output and error. */
  output(): string;
  /** SIGKILL: no goodbye. The data stays, for another start in the same directory. */
  kill(): Promise<void>;
  /** SIGTERM; removes the data. */
  stop(): Promise<void>;
}

const COMMAND = join(import.meta.dir, "../../ovation/bin/ovation");
const START_MS_MAX = 20_000;

/** `files` are written beside the data first, for options that name them: `{directory}/name`. */
export async function startOvation(
  options: readonly string[],
  files: Readonly<Record<string, string>> = {},
  directory = mkdtempSync(join(tmpdir(), "ovation-server-")),
): Promise<RunningOvation> {
  mkdirSync(join(directory, "data"), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const given = options.map((option) => option.replace("{directory}", directory));
  const child = Bun.spawn(
    [
      "sh",
      COMMAND,
      "start",
      "--port",
      String(port),
      "--data",
      join(directory, "data"),
      "--drain-seconds",
      "0",
      ...given,
    ],
    {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  let output = "";
  const reading = [child.stdout, child.stderr].map(async (stream) => {
    for await (const chunk of stream) output += Buffer.from(chunk).toString();
  });
  const until = Date.now() + START_MS_MAX;
  while (!(await isReady(url))) {
    if (child.exitCode !== null || Date.now() > until)
      throw new Error(`the server did not start: ${output}`);
    await Bun.sleep(25);
  }
  return {
    url,
    directory,
    output: () => output,
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
      await Promise.all(reading);
    },
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
      await Promise.all(reading);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    // Not listening yet.
    return false;
  }
}
