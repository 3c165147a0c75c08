/** What `ovation start` shows in the terminal: what to open, then one live line. */

import { systemClock } from "@ovation/protocol";
import type { Registry } from "prom-client";
import packageJson from "../../package.json" with { type: "json" };
import type { Node } from "../all-in-one.ts";
import { formatBanner, type StatusLine, type StatusSample, startStatusLine, wantsColours } from "../demo/mod.ts";

export interface DisplayOptions {
  readonly node: Node;
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
  return startStatusLine({ read: () => sample(node), output, clock: systemClock, colours, quietElsewhere: true });
}

async function sample(node: Node): Promise<StatusSample> {
  let viewers = 0;
  for (const channel of node.frontend.hub.channels.values()) if (channel.kind.viewers) viewers += channel.subscribers;
  return {
    viewers,
    connections: node.frontend.connections.size,
    comments: await total(node.registry, "ovation_comments_total"),
    likes: await total(node.registry, "ovation_likes_total"),
    deliveries: node.frontend.counters.written,
    memoryBytes: process.memoryUsage.rss(),
  };
}

async function total(registry: Registry, name: string): Promise<number> {
  const metric = await registry.getSingleMetric(name)?.get();
  return metric?.values.reduce((sum, { value }) => sum + value, 0) ?? 0;
}
