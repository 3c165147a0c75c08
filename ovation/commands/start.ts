/** `ovation start`: everything on one machine. */

import { systemClock } from "@ovation/protocol";
import { DEMO_MEDIA_DIRECTORY } from "@ovation/web";
import type { Command } from "commander";
import type { Logger } from "pino";
import { claimDataDirectory, keepPrivate, tightenDirectory } from "../data-directory.ts";
import { DEMO_VIDEOS, type DemoOptions, startDemo } from "../demo/mod.ts";
import { crashOnUncaught, takeSignals } from "../process-life.ts";
import { startAllInOne } from "../roles/all-in-one.ts";
import { startWithWorkers } from "../roles/with-workers.ts";
import { signToken } from "../tokens/mod.ts";
import { type Settings, signingOf } from "../wiring/settings.ts";
import { showLive } from "./live-display.ts";
import {
  addConnectionOptions,
  dataOption,
  hostOption,
  hostsOption,
  idleOption,
  logLevelOption,
  metricsOption,
  onOff,
  option,
  portOption,
  secretOption,
  switchOption,
  toSeconds,
  toWorkers,
  trustedProxiesOption,
} from "./options.ts";
import { makeLive, policyOption, withPolicyFile } from "./policy-option.ts";
import { createReload } from "./reload.ts";
import {
  type CommonOptions,
  exitCodeOf,
  explainedDirectory,
  startOrExplain,
  toSettings,
} from "./run.ts";
import { findSecret, findSecretAgain } from "./secrets.ts";

/** Longer than anybody lets a demo run. */
const DEMO_TOKEN_TTL_SECONDS = 30 * 24 * 60 * 60;

interface Options extends CommonOptions {
  readonly data: string;
  readonly secret?: string;
  readonly workers: number;
  readonly demo?: boolean;
  readonly policy?: string;
}

export function addStartCommand(program: Command): void {
  const command = program
    .command("start")
    .description(
      "run everything on this machine: frontend, dispatcher, comments, pages; data in SQLite",
    )
    .addOption(portOption(8080))
    .addOption(hostOption())
    .addOption(dataOption())
    .addOption(secretOption())
    .addOption(
      option("--workers <n>", "frontend processes that share the port")
        .default(1)
        .argParser(toWorkers),
    )
    .addOption(switchOption("--demo", "a demo video and a simulated audience"))
    .addOption(
      onOff("--rate-limits", "limits per member and address; off for measuring and imports", "on"),
    )
    .addOption(
      option(
        "--videos <any|listed>",
        "any: a video exists by being used; listed: only those that were created",
      )
        .choices(["any", "listed"])
        .default("any"),
    )
    .addOption(onOff("--guests", "whether a name is enough to comment", "on"))
    .addOption(policyOption())
    .addOption(trustedProxiesOption())
    .addOption(hostsOption())
    .addOption(metricsOption())
    .addOption(onOff("--zstd", "compress streams for browsers that accept it", "on"))
    .addOption(
      option("--drain-seconds <s>", "how long viewers are asked to leave before the process ends")
        .default(10)
        .argParser(toSeconds),
    )
    .addOption(
      option(
        "--tls-cert <file>",
        "certificate chain, PEM: HTTPS with HTTP/1.1, HTTP/2 and HTTP/3 on the one port",
      ),
    )
    .addOption(option("--tls-key <file>", "its private key, PEM"))
    .addOption(idleOption())
    .addOption(logLevelOption());
  addConnectionOptions(command)
    .addHelpText(
      "after",
      "\n  ovation start --demo        then open http://localhost:8080\n  ovation start --host 0.0.0.0 --data /var/lib/ovation",
    )
    .action(start);
}

async function start(options: Options): Promise<void> {
  keepPrivate();
  const directory = explainedDirectory(() => claimDataDirectory(options.data));
  const secret = findSecret(options.secret, options.data);
  const started = await withPolicyFile(toSettings(options, secret), options.policy);
  const { logger } = started;
  crashOnUncaught(logger);
  const signals = takeSignals(logger);
  const settings = {
    ...makeLive(started),
    ...(options.demo ? { mediaDirectory: DEMO_MEDIA_DIRECTORY } : {}),
  };
  const tightened = tightenDirectory(directory.path);
  if (tightened.length > 0)
    logger.warn({ tightened }, "other users of this machine could read these; now they cannot");
  const node = await startOrExplain(settings, () =>
    options.workers === 1 ? startAllInOne(settings) : startWithWorkers(settings, options.workers),
  );
  const display = showLive({
    node,
    dataDirectory: options.data,
    demoVideo: options.demo ? DEMO_VIDEOS[0]?.id : undefined,
  });
  const demo = options.demo ? await startDemo(demoOptions(node.url, secret, settings)) : undefined;
  const { reloads } = settings;
  signals.onReload(createReload({ started, reloads, read: () => readAgain(options, logger) }));
  const signal = await signals.asked;
  display.stop();
  logger.info({ signal }, "draining");
  demo?.stop();
  const lost = await node.stop();
  directory.release();
  process.exit(exitCodeOf(lost, logger));
}

function readAgain(options: Options, logger: Logger): Promise<Settings> {
  const secret = findSecretAgain(options.secret, options.data);
  return withPolicyFile(toSettings(options, secret, logger), options.policy);
}

function demoOptions(url: string, secret: string, settings: Settings): DemoOptions {
  return {
    url,
    random: Math.random,
    clock: systemClock,
    sign: (claims) => signToken(secret, claims, DEMO_TOKEN_TTL_SECONDS, signingOf(settings)),
    onTrouble: (what) => settings.logger.warn({ what }, "the demo's audience"),
  };
}
