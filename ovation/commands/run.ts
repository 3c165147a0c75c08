/** What every role's command does around its role: settings from options, clear errors, signals. */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { AdmissionLimits } from "@ovation/frontend";
import { LogUnusableError } from "@ovation/log";
import { DEFAULT_POLICY, HEARTBEAT_MS } from "@ovation/protocol";
import type { Logger } from "pino";
import { DataDirectoryError } from "../data-directory.ts";
import type { MetricsAt } from "../health.ts";
import { createLogger } from "../logging/logger.ts";
import { OperatorMistake } from "../operator-error.ts";
import { crashOnUncaught, takeSignals } from "../process-life.ts";
import type { Node, Settings } from "../wiring/settings.ts";
import { makeLive } from "./policy-option.ts";
import { createReload } from "./reload.ts";

/** The options that {@link toSettings} reads; a role that lacks one leaves it out. */
export interface CommonOptions {
  readonly port: number;
  readonly host: string;
  readonly data?: string;
  readonly rateLimits?: "on" | "off";
  readonly videos?: "any" | "listed";
  readonly guests?: "on" | "off";
  readonly zstd?: "on" | "off";
  readonly directSend?: "on" | "off";
  readonly drainSeconds?: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly connectionsMax?: number;
  readonly connectionsPerAddress?: number;
  readonly connectsPerSecond?: number;
  readonly lifetimeMinutes?: number;
  readonly stuckSeconds?: number;
  readonly idleSeconds?: number;
  readonly heartbeatSeconds?: number;
  readonly trustedProxies?: readonly string[];
  readonly hosts?: readonly string[];
  readonly metrics?: MetricsAt;
  readonly logLevel: string;
}

const DRAIN_SECONDS_DEFAULT = 10;

export function toSettings(
  options: CommonOptions,
  secret: string,
  logger: Logger = createLogger(options.logLevel),
): Settings {
  return {
    port: options.port,
    host: options.host,
    dataDirectory: options.data ?? "",
    secret,
    policy: DEFAULT_POLICY,
    rateLimits: options.rateLimits !== "off",
    videos: options.videos ?? "any",
    guests: options.guests !== "off",
    zstd: options.zstd !== "off",
    directSend: options.directSend !== "off",
    drainMs: (options.drainSeconds ?? DRAIN_SECONDS_DEFAULT) * 1000,
    heartbeatMs:
      options.heartbeatSeconds === undefined ? HEARTBEAT_MS : options.heartbeatSeconds * 1000,
    admission: admissionOf(options),
    ...(options.lifetimeMinutes === undefined
      ? {}
      : { lifetimeMs: spread(options.lifetimeMinutes * 60_000) }),
    ...(options.stuckSeconds === undefined ? {} : { stuckMs: options.stuckSeconds * 1000 }),
    ...(options.idleSeconds === undefined ? {} : { idleMs: options.idleSeconds * 1000 }),
    ...(options.hosts === undefined ? {} : { hosts: options.hosts }),
    ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
    ...(options.trustedProxies === undefined ? {} : { trustedProxies: options.trustedProxies }),
    tls: tlsOf(options),
    logger,
  };
}

function admissionOf(options: CommonOptions): Partial<AdmissionLimits> {
  const { connectionsMax, connectionsPerAddress: perAddressMax, connectsPerSecond } = options;
  return {
    ...(connectionsMax === undefined ? {} : { connectionsMax }),
    ...(perAddressMax === undefined ? {} : { perAddressMax }),
    ...(connectsPerSecond === undefined ? {} : { connectsPerSecond }),
  };
}

/** A quarter less to a quarter more: those who came together do not go together. */
function spread(ms: number): { readonly min: number; readonly max: number } {
  return { min: ms * 0.75, max: ms * 1.25 };
}

function tlsOf({ tlsCert, tlsKey }: CommonOptions): Settings["tls"] {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    return fail("--tls-cert and --tls-key go together");
  requireKeyPair("--tls", tlsCert, tlsKey);
  return { cert: tlsCert, key: tlsKey };
}

/** Throws an {@link OperatorMistake} where the files of `PREFIX-cert` and `PREFIX-key` are no certificate and its key. */
export function requireKeyPair(prefix: string, certFile: string, keyFile: string): void {
  const certificate = readPem(`${prefix}-cert`, certFile, "certificate", (pem) => {
    return new X509Certificate(pem);
  });
  const key = readPem(`${prefix}-key`, keyFile, "private key", (pem) => createPrivateKey(pem));
  if (!certificate.checkPrivateKey(key))
    fail(`${prefix}-key ${keyFile} is not the key of the certificate in ${certFile}`);
}

/** `what` is what the file holds, as PEM. The library's own words may quote a key, and are left out. */
export function readPem<Read>(
  flag: string,
  file: string,
  what: string,
  parse: (pem: Buffer) => Read,
): Read {
  let pem: Buffer;
  try {
    pem = readFileSync(file);
  } catch (error) {
    return fail(`${flag} ${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    return parse(pem);
  } catch {
    return fail(`${flag} ${file}: holds no ${what} in PEM form`);
  }
}

/** At the start it ends the program with exit code 1; at a reload the settings stay as they were. */
export function fail(message: string): never {
  throw new OperatorMistake(message);
}

/** A data directory that cannot be used is an operator's to mend. */
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

/** Starts the role; what an operator can mend is a sentence, not a stack. */
export async function startOrExplain<Started extends Node>(
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
    return `cannot listen at ${host}, port ${port}: --host (or --internal-host) needs an address of this machine, for example 127.0.0.1 or 0.0.0.0`;
  if (syscall === "mkdir" || syscall === "open")
    return `${dataDirectory === "" ? "a file" : `the data directory ${dataDirectory}`} cannot be used: ${message}`;
  if (code === "EACCES" || code === "EPERM") return `not allowed: ${message}`;
  return undefined;
}

export interface RunRoleOptions {
  readonly name: string;
  /** Rejects with a sentence. Called again when the process is told to read its files again. */
  read(logger?: Logger): Promise<Settings>;
  start(settings: Settings): Promise<Node>;
}

/** Runs a role of a cluster until it is asked to end. */
export async function runRole({ name, read, start }: RunRoleOptions): Promise<void> {
  const started = await read();
  const { logger } = started;
  crashOnUncaught(logger);
  const signals = takeSignals(logger);
  const settings = makeLive(started);
  let isStarted = false;
  void signals.asked.then((signal) => isStarted || endEarly(signal, logger));
  const node = await startOrExplain(settings, () => start(settings));
  isStarted = true;
  logger.info({ role: name, url: node.url }, "started");
  const { reloads } = settings;
  signals.onReload(createReload({ started, reloads, read: () => read(logger) }));
  const signal = await signals.asked;
  logger.info({ signal }, "draining");
  process.exit(exitCodeOf(await node.stop(), logger));
}

/** 0, or 1 where the stop lost something that was accepted: each loss is a line of the log. */
export function exitCodeOf(lost: readonly string[], logger: Logger): number {
  for (const what of lost) logger.error({ lost: what }, "something accepted was lost by the stop");
  return lost.length === 0 ? 0 : 1;
}

/** Asked to end while it still waited for a database. */
function endEarly(signal: NodeJS.Signals, logger: Logger): never {
  logger.info({ signal }, "ended before it was ready");
  process.exit(0);
}
