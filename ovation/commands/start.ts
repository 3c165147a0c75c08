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
import { addSettings, readValues } from "../settings/commander-option.ts";
import type { SettingValues } from "../settings/schema.ts";
import { type Settings, signingOf } from "../settings/settings.ts";
import { signToken } from "../tokens/mod.ts";
import { showLive } from "./live-display.ts";
import { makeLive } from "./live-settings.ts";
import { createReload } from "./reload.ts";
import { resolveSettings } from "./resolve-settings.ts";
import { exitCodeOf, explainedDirectory, startOrExplain } from "./run.ts";
import { findSecret, findSecretAgain } from "./secrets.ts";

/** Longer than a demo runs. */
const DEMO_TOKEN_TTL_SECONDS = 30 * 24 * 60 * 60;

export function addStartCommand(program: Command): void {
  const command = program
    .command("start")
    .description(
      "run everything on this machine: frontend, dispatcher, comments, pages; data in SQLite",
    );
  addSettings(command, "start")
    .addHelpText(
      "after",
      "\n  ovation start --demo        then open http://localhost:8080" +
        "\n  ovation start --host 0.0.0.0 --data /var/lib/ovation",
    )
    .action((options: Record<string, unknown>) => start(readValues("start", options)));
}

async function start(values: SettingValues): Promise<void> {
  keepPrivate();
  const directory = explainedDirectory(() => claimDataDirectory(values.dataDirectory));
  const secret = findSecret(values.secret, values.dataDirectory);
  const started = await resolveSettings(values, secret);
  const { logger } = started;
  crashOnUncaught(logger);
  const signals = takeSignals(logger);
  const settings = {
    ...makeLive(started),
    ...(values.demo ? { mediaDirectory: DEMO_MEDIA_DIRECTORY } : {}),
  };
  const tightened = tightenDirectory(directory.path);
  if (tightened.length > 0)
    logger.warn({ tightened }, "other users of this machine could read these; now they cannot");
  const node = await startOrExplain(settings, () =>
    values.workers === 1 ? startAllInOne(settings) : startWithWorkers(settings, values.workers),
  );
  const display = showLive({
    node,
    dataDirectory: values.dataDirectory,
    demoVideo: values.demo ? DEMO_VIDEOS[0]?.id : undefined,
  });
  const demo = values.demo ? await startDemo(demoOptions(node.url, secret, settings)) : undefined;
  const { reloads } = settings;
  signals.onReload(createReload({ started, reloads, read: () => readAgain(values, logger) }));
  const signal = await signals.asked;
  display.stop();
  logger.info({ signal }, "draining");
  demo?.stop();
  const lost = await node.stop();
  directory.release();
  process.exit(exitCodeOf(lost, logger));
}

function readAgain(values: SettingValues, logger: Logger): Promise<Settings> {
  return resolveSettings(values, findSecretAgain(values.secret, values.dataDirectory), logger);
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
