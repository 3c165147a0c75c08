/** `ovation start`: everything in one process. */

import { existsSync } from "node:fs";
import { LogUnusableError } from "@ovation/log";
import { DEFAULT_POLICY, HEARTBEAT_MS, systemClock } from "@ovation/protocol";
import type { Command } from "commander";
import type { Logger } from "pino";
import { DEMO_VIDEOS, type DemoOptions, startDemo } from "../demo/mod.ts";
import { createLogger } from "../logger.ts";
import type { Node, Settings } from "../parts/settings.ts";
import { crashOnUncaught, untilSignal } from "../process-life.ts";
import { startAllInOne } from "../roles/all-in-one.ts";
import type { Watched } from "../roles/watched.ts";
import { startWithWorkers } from "../roles/with-workers.ts";
import { loadSecret, signToken } from "../tokens/mod.ts";
import { showLive } from "./live-display.ts";
import {
  dataOption,
  hostOption,
  logLevelOption,
  onOff,
  option,
  portOption,
  secretOption,
  toPositiveInteger,
  toSeconds,
} from "./options.ts";

/** Longer than anybody lets a demo run. */
const DEMO_TOKEN_TTL_SECONDS = 30 * 24 * 60 * 60;

interface Options {
  readonly port: number;
  readonly host: string;
  readonly data: string;
  readonly secret?: string;
  readonly workers: number;
  readonly demo?: boolean;
  readonly rateLimits: "on" | "off";
  readonly videos: "any" | "listed";
  readonly guests: "on" | "off";
  readonly zstd: "on" | "off";
  readonly drainSeconds: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly logLevel: string;
}

export function addStartCommand(program: Command): void {
  program
    .command("start")
    .description("run everything in one process: frontend, dispatcher, comments, pages; data in SQLite")
    .addOption(portOption(8080))
    .addOption(hostOption())
    .addOption(dataOption())
    .addOption(secretOption())
    .addOption(option("--workers <n>", "frontend processes that share the port").default(1).argParser(toPositiveInteger))
    .addOption(option("--demo", "a demo video and a simulated audience"))
    .addOption(onOff("--rate-limits", "limits per member and address; off for measuring and imports", "on"))
    .addOption(
      option("--videos <any|listed>", "any: a video exists by being used; listed: only those that were created")
        .choices(["any", "listed"])
        .default("any"),
    )
    .addOption(onOff("--guests", "whether a name is enough to comment", "on"))
    .addOption(onOff("--zstd", "compress streams for browsers that accept it", "on"))
    .addOption(
      option("--drain-seconds <s>", "how long viewers are asked to leave before the process ends").default(10).argParser(toSeconds),
    )
    .addOption(option("--tls-cert <file>", "certificate chain, PEM: HTTPS with HTTP/1.1, HTTP/2 and HTTP/3 on the one port"))
    .addOption(option("--tls-key <file>", "its private key, PEM"))
    .addOption(logLevelOption())
    .addHelpText(
      "after",
      "\n  ovation start --demo        then open http://localhost:8080\n  ovation start --host 0.0.0.0 --data /var/lib/ovation",
    )
    .action(start);
}

async function start(options: Options): Promise<void> {
  const logger = createLogger(options.logLevel);
  crashOnUncaught(logger);
  const secret = options.secret ?? loadSecret(options.data).secret;
  const settings: Settings = {
    port: options.port,
    host: options.host,
    dataDirectory: options.data,
    secret,
    policy: DEFAULT_POLICY,
    rateLimits: options.rateLimits === "on",
    videos: options.videos,
    guests: options.guests === "on",
    zstd: options.zstd === "on",
    drainMs: options.drainSeconds * 1000,
    heartbeatMs: HEARTBEAT_MS,
    tls: tlsOf(options),
    logger,
  };
  const node = await startOrExplain(settings, options.workers);
  const asked = untilSignal(logger);
  const display = showLive({ node, dataDirectory: options.data, demoVideo: options.demo ? DEMO_VIDEOS[0]?.id : undefined });
  const demo = options.demo ? await startDemo(demoOptions(node, secret, logger)) : undefined;
  const signal = await asked;
  display.stop();
  logger.info({ signal }, "draining");
  demo?.stop();
  await node.stop();
  process.exit(0);
}

function tlsOf({ tlsCert, tlsKey }: Options): Settings["tls"] {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) return fail("--tls-cert and --tls-key go together");
  for (const file of [tlsCert, tlsKey]) if (!existsSync(file)) return fail(`there is no file ${file}`);
  return { cert: tlsCert, key: tlsKey };
}

function fail(message: string): never {
  console.error(`ovation: ${message}`);
  process.exit(1);
}

function demoOptions(node: Node, secret: string, logger: Logger): DemoOptions {
  return {
    url: node.url,
    random: Math.random,
    clock: systemClock,
    sign: (claims) => signToken(secret, claims, DEMO_TOKEN_TTL_SECONDS),
    onTrouble: (what) => logger.warn({ what }, "the demo's audience"),
  };
}

/** What an operator can mend is a sentence, not a stack. */
async function startOrExplain(options: Settings, workers: number): Promise<Node & Watched> {
  try {
    return await (workers === 1 ? startAllInOne(options) : startWithWorkers(options, workers));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EADDRINUSE") console.error(`ovation: port ${options.port} is taken; stop what uses it, or give another one with --port`);
    else if (code === "EACCES") console.error(`ovation: not allowed: ${(error as Error).message}`);
    else if (error instanceof LogUnusableError) console.error(`ovation: ${error.message}`);
    else throw error;
    process.exit(1);
  }
}
