/** Options that several commands share, and the parsers of their values. */

import { isIP } from "node:net";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { MetricsAt } from "../health.ts";
import { parseProxies } from "../listener/client-address.ts";
import { parseHosts } from "../listener/hosts.ts";

/** Longer ones overflow the runtime's timers, which then ring at once. */
export const SECONDS_MAX = 2_000_000;
export const COUNT_MAX = 1_000_000_000;
export const WORKERS_MAX = 512;

export function toPort(text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isInteger(port) || port > 65_535)
    throw new InvalidArgumentError("a port is a number from 0 (any free one) to 65535.");
  return port;
}

export function toPositiveInteger(text: string): number {
  return toCount(text, COUNT_MAX);
}

export function toWorkers(text: string): number {
  return toCount(text, WORKERS_MAX);
}

function toCount(text: string, max: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isInteger(number) || number < 1 || number > max)
    throw new InvalidArgumentError(`needs a whole number from 1 to ${max}.`);
  return number;
}

export function toSeconds(text: string): number {
  const seconds = toNumber(text);
  if (!(seconds >= 0 && seconds <= SECONDS_MAX))
    throw new InvalidArgumentError(`needs a number of seconds, at most ${SECONDS_MAX}.`);
  return seconds;
}

function toPositive(max: number): (text: string) => number {
  return (text) => {
    const number = toNumber(text);
    if (!(number > 0 && number <= max))
      throw new InvalidArgumentError(`needs a number above 0, at most ${max}.`);
    return number;
  };
}

/** Plain decimals: what `Number` takes beyond them (`""`, `0x10`, `Infinity`) is a mistake here. */
function toNumber(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
}

/** An address, or a name that the system knows; not an URL, not an address with a port. */
export function toHost(text: string): string {
  const isHost =
    isIP(text.replace(/%.*$/, "")) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text);
  // What is all digits and dots and yet no address: 999.1.1.1, 1.2.3.
  if (!isHost || (/^[0-9.]+$/.test(text) && isIP(text) === 0))
    throw new InvalidArgumentError(
      "needs an address of this machine: 127.0.0.1, 0.0.0.0, ::1, or a name; the port is --port.",
    );
  return text;
}

function collectProxies(text: string, earlier: readonly string[] | undefined): readonly string[] {
  try {
    return [...(earlier ?? []), ...parseProxies(text)];
  } catch (error) {
    throw new InvalidArgumentError(
      `${error instanceof Error ? error.message : String(error)}; write 10.0.0.5, 10.0.0.0/8, loopback or private.`,
    );
  }
}

function collectHosts(text: string, earlier: readonly string[] | undefined): readonly string[] {
  try {
    return [
      ...(earlier ?? []),
      ...parseHosts(text.split(/[\s,]+/).filter((entry) => entry !== "")),
    ];
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : String(error));
  }
}

function toMetrics(text: string): MetricsAt {
  if (text === "on" || text === "off") return text;
  const [, bracketed, plain, port = ""] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  if (port === "")
    throw new InvalidArgumentError("needs on, off, or an address and a port: 127.0.0.1:9090.");
  return { host: toHost(bracketed ?? plain ?? ""), port: toPort(port) };
}

/**
 * An option that takes a value refuses an empty one, from the command line and from the environment
 * alike: `OVATION_PORT=` is a mistake, not port 0.
 */
class Setting extends Option {
  constructor(flags: string, description: string) {
    super(flags, description);
    if (!this.isBoolean())
      this.argParser((text: string, earlier: unknown) =>
        this.variadic
          ? [...(Array.isArray(earlier) && earlier !== this.defaultValue ? earlier : []), text]
          : text,
      );
  }

  override argParser<Value>(parse: (text: string, earlier: Value) => Value): this {
    return super.argParser((text: string, earlier: Value) => {
      if (text.trim() === "")
        throw new InvalidArgumentError("It is empty: give it a value, or leave it out.");
      return parse(text, earlier);
    });
  }
}

/** An option that the environment can set as well: `--data-center` is `OVATION_DATA_CENTER`. */
export function option(flags: string, description: string): Option {
  return withVariable(new Setting(flags, description));
}

/** The same for secrets, whose value stands in no message; an empty one is one that is not set. */
export function secretValueOption(flags: string, description: string): Option {
  return withVariable(new Option(flags, description));
}

/** A switch, `--demo`: the environment turns it on by `on`, `true` or `1`, and off by their opposites. */
export function switchOption(flags: string, description: string): Option {
  const made = new Option(flags, description);
  const variable = variableOf(made);
  const text = process.env[variable]?.trim().toLowerCase();
  return text !== undefined && OFF.has(text) ? made : made.env(variable);
}
const OFF = new Set(["", "off", "false", "no", "0"]);

function withVariable(made: Option): Option {
  return made.env(variableOf(made));
}

function variableOf(made: Option): string {
  return `OVATION_${made.name().replaceAll("-", "_").toUpperCase()}`;
}

export function onOff(flags: string, description: string, initial: "on" | "off"): Option {
  return option(`${flags} <on|off>`, description).choices(["on", "off"]).default(initial);
}

export const portOption = (initial: number) =>
  option("--port <port>", "where to listen").default(initial).argParser(toPort);
export const hostOption = () =>
  option("--host <address>", "the address to listen on; 0.0.0.0 for all")
    .default("127.0.0.1")
    .argParser(toHost);
export const trustedProxiesOption = () =>
  option(
    "--trusted-proxies <addresses...>",
    "proxies whose X-Forwarded-For is believed: addresses, networks, loopback, private; default: loopback",
  ).argParser(collectProxies);
export const hostsOption = () =>
  option(
    "--hosts <names...>",
    "names that this server is asked for by: live.example.org, *.example.org, * for any; default: on loopback only localhost, elsewhere any",
  ).argParser(collectHosts);
export const metricsOption = () =>
  option(
    "--metrics <where>",
    "/metrics: on (the public port), off, or an address and port for a listener of its own",
  )
    .default("on")
    .argParser(toMetrics);
export const dataOption = () =>
  option("--data <directory>", "where comments, likes and the secret are kept").default("./data");
/** Never shown with its value. */
export const secretOption = (whose = "default: made once and kept in the data directory") =>
  secretValueOption("--secret <secret>", `signs and verifies tokens, at least 16 bytes; ${whose}`);
export const idleOption = () =>
  option(
    "--idle-seconds <s>",
    "how long a kept connection may wait for its next request; longer than a proxy in front keeps it; default: 30",
  ).argParser(toPositive(SECONDS_MAX));
export const logLevelOption = () =>
  option("--log-level <level>", "what is written to standard error")
    .choices(["debug", "info", "warn", "error", "silent"])
    .default("info");

/** What a process that holds connections can be told of them. With workers, each is such a process. */
export function addConnectionOptions(command: Command): Command {
  return command
    .addOption(
      option(
        "--connections-max <n>",
        "connections that a process takes; default: 9 of 10 files that it may open",
      ).argParser(toPositiveInteger),
    )
    .addOption(
      option(
        "--connections-per-address <n>",
        "connections from one address, over all workers; default: 2000",
      ).argParser(toPositiveInteger),
    )
    .addOption(
      option(
        "--connects-per-second <n>",
        "new connections a second that a process takes; default: 5000",
      ).argParser(toPositiveInteger),
    )
    .addOption(
      option(
        "--lifetime-minutes <m>",
        "how long a connection lasts, give or take a quarter; default: 60",
      ).argParser(toPositive(SECONDS_MAX / 60 / 2)),
    )
    .addOption(
      option(
        "--stuck-seconds <s>",
        "how long a viewer may read nothing before it is cut; default: 30",
      ).argParser(toPositive(SECONDS_MAX / 4)),
    )
    .addOption(
      onOff(
        "--direct-send",
        "on Linux, broadcasts write to sockets by descriptor; off: by the runtime's sockets",
        "on",
      ),
    )
    .addOption(
      option(
        "--heartbeat-seconds <s>",
        "a silent connection hears something this often; default: 15",
      ).argParser(toPositive(SECONDS_MAX / 4)),
    );
}
