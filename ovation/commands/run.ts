/**
 * What every role's command does around its role: clear errors, signals, reloads, the exit code.
 */

import { LogUnusableError } from "@ovation/log";
import type { Logger } from "pino";
import { DataDirectoryError } from "../data-directory.ts";
import { fail } from "../operator-error.ts";
import { crashOnUncaught, takeSignals } from "../process-life.ts";
import type { RunningRole } from "../roles/running-role.ts";
import type { Settings } from "../settings/settings.ts";
import { makeLive } from "./live-settings.ts";
import { createReload } from "./reload.ts";

/** A data directory that cannot be used is an error of the operator's. */
export function explainedDirectory<Result>(use: () => Result): Result {
  try {
    return use();
  } catch (error) {
    if (error instanceof DataDirectoryError) fail(error.message);
    throw error;
  }
}

/** Errors whose message is for the operator. */
const SENTENCES = new Set(["DatabaseUnusableError", "WorkersUnstartableError"]);

/** Starts the role; an error that an operator can correct is a sentence, not a stack. */
export async function startOrExplain<Started extends RunningRole>(
  settings: Settings,
  start: () => Promise<Started>,
): Promise<Started> {
  try {
    return await start();
  } catch (error) {
    const sentence = explain(error, settings);
    if (sentence !== undefined) fail(sentence);
    throw error;
  }
}

function explain(error: unknown, { port, host, dataDirectory }: Settings): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, name, message, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof LogUnusableError || SENTENCES.has(name)) return message;
  if (code === "EADDRINUSE")
    return `port ${port} is taken; stop what uses it, or give another one with --port`;
  if (code === "EADDRNOTAVAIL" || /^Failed to listen at/.test(message))
    return (
      `cannot listen at ${host}, port ${port}: --host (or --internal-host) needs an address ` +
      "of this machine, for example 127.0.0.1 or 0.0.0.0"
    );
  if (syscall === "mkdir" || syscall === "open") {
    const what = dataDirectory === "" ? "a file" : `the data directory ${dataDirectory}`;
    return `${what} cannot be used: ${message}`;
  }
  if (code === "EACCES" || code === "EPERM") return `not allowed: ${message}`;
  return undefined;
}

export interface RunRoleOptions<Resolved extends Settings> {
  readonly name: string;
  /** Rejects with an `OperatorError`. Called again at every reload. */
  read(logger?: Logger): Promise<Resolved>;
  start(settings: Resolved): Promise<RunningRole>;
}

/** Runs a role of a cluster until it is asked to end. */
export async function runRole<Resolved extends Settings>(
  options: RunRoleOptions<Resolved>,
): Promise<void> {
  const { name, read, start } = options;
  const started = await read();
  const { logger } = started;
  crashOnUncaught(logger);
  const signals = takeSignals(logger);
  const settings = makeLive(started);
  let isStarted = false;
  void signals.asked.then((signal) => isStarted || endEarly(signal, logger));
  const role = await startOrExplain(settings, () => start(settings));
  isStarted = true;
  logger.info({ role: name, url: role.url }, "started");
  const { reloads } = settings;
  signals.onReload(createReload({ started, reloads, read: () => read(logger) }));
  const signal = await signals.asked;
  logger.info({ signal }, "draining");
  process.exit(exitCodeOf(await role.stop(), logger));
}

/** 0, or 1 where the stop lost something that was accepted: each loss is a line of the log. */
export function exitCodeOf(lost: readonly string[], logger: Logger): number {
  for (const what of lost) logger.error({ lost: what }, "something accepted was lost by the stop");
  return lost.length === 0 ? 0 : 1;
}

/** The process was asked to end while it waited for a database. */
function endEarly(signal: NodeJS.Signals, logger: Logger): never {
  logger.info({ signal }, "ended before it was ready");
  process.exit(0);
}
