/** Options that several commands share, and the parsers of their values. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { parseProxies } from "../client-address.ts";

export function toPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError("a port is a number from 0 (any free one) to 65535.");
  return port;
}

export function toPositiveInteger(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new InvalidArgumentError("needs a whole number above 0.");
  return number;
}

export function toSeconds(text: string): number {
  const seconds = Number(text);
  if (!Number.isFinite(seconds) || seconds < 0)
    throw new InvalidArgumentError("needs a number of seconds.");
  return seconds;
}

function toPositive(text: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0)
    throw new InvalidArgumentError("needs a number above 0.");
  return number;
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

/** An option that the environment can set as well: `--data-center` is `OVATION_DATA_CENTER`. */
export function option(flags: string, description: string): Option {
  const made = new Option(flags, description);
  return made.env(`OVATION_${made.name().replaceAll("-", "_").toUpperCase()}`);
}

export function onOff(flags: string, description: string, initial: "on" | "off"): Option {
  return option(`${flags} <on|off>`, description).choices(["on", "off"]).default(initial);
}

export const portOption = (initial: number) =>
  option("--port <port>", "where to listen").default(initial).argParser(toPort);
export const hostOption = () =>
  option("--host <address>", "the address to listen on; 0.0.0.0 for all").default("127.0.0.1");
export const trustedProxiesOption = () =>
  option(
    "--trusted-proxies <addresses...>",
    "proxies whose X-Forwarded-For is believed: addresses, networks, loopback, private; default: loopback",
  ).argParser(collectProxies);
export const dataOption = () =>
  option("--data <directory>", "where comments, likes and the secret are kept").default("./data");
/** Never shown with its value. */
export const secretOption = (whose = "default: made once and kept in the data directory") =>
  option("--secret <secret>", `signs and verifies tokens; ${whose}`);
export const idleOption = () =>
  option(
    "--idle-seconds <s>",
    "how long a kept connection may wait for its next request; longer than a proxy in front keeps it; default: 30",
  ).argParser(toPositive);
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
      ).argParser(toPositive),
    )
    .addOption(
      option(
        "--stuck-seconds <s>",
        "how long a viewer may read nothing before it is cut; default: 30",
      ).argParser(toPositive),
    )
    .addOption(
      option(
        "--heartbeat-seconds <s>",
        "a silent connection hears something this often; default: 15",
      ).argParser(toPositive),
    );
}
