/** What `ovation start` shows in the terminal: what to open, then one live line. */

import { systemClock } from "@ovation/protocol";
import packageJson from "../../package.json" with { type: "json" };
import { formatBanner, type StatusLine, startStatusLine, wantsColours } from "../demo/mod.ts";
import type { Node } from "../parts/settings.ts";
import type { Watched } from "../roles/watched.ts";

export interface DisplayOptions {
  readonly node: Node & Watched;
  readonly dataDirectory: string;
  readonly demoVideo: string | undefined;
}

export function showLive({ node, dataDirectory, demoVideo }: DisplayOptions): StatusLine {
  const output = process.stdout;
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
    output,
    clock: systemClock,
    colours,
    quietElsewhere: true,
  });
}
