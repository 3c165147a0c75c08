/** What `ovation start` shows in the terminal: what to open, then one live line. */

import { isatty } from "node:tty";
import { systemClock } from "@ovation/protocol";
import packageJson from "../../package.json" with { type: "json" };
import { formatBanner, type StatusLine, startStatusLine, wantsColours } from "../demo/mod.ts";
import type { ProgressOutput } from "../replay/progress-line.ts";
import type { RunningRole } from "../roles/running-role.ts";
import type { StatusSource } from "../roles/status-sample.ts";

export interface DisplayOptions {
  readonly node: RunningRole & StatusSource;
  readonly dataDirectory: string;
  readonly demoVideo: string | undefined;
}

export function showLive({ node, dataDirectory, demoVideo }: DisplayOptions): StatusLine {
  const output = process.stdout;
  // A terminal or reader that is gone is no reason to end.
  output.on("error", () => undefined);
  const colours = wantsColours(output, process.env);
  output.write(
    `${formatBanner({
      version: packageJson.version,
      url: node.url.replace("127.0.0.1", "localhost"),
      dataDirectory,
      colours,
      ...(demoVideo === undefined ? {} : { demoVideo }),
    })}\n`,
  );
  return startStatusLine({
    read: () => node.sample(),
    output: guardTerminal(output),
    clock: systemClock,
    colours,
    quietElsewhere: true,
  });
}

const STDOUT = 1;

/** A write to a terminal that was closed would fail, and keep the process from its end. */
function guardTerminal(output: NodeJS.WriteStream): ProgressOutput {
  const { isTTY, columns } = output;
  return {
    isTTY,
    columns,
    write: (text) => (!isTTY || isatty(STDOUT)) && output.write(text),
  };
}
