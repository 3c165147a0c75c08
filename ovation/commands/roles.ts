/** `ovation frontend`, `ovation dispatcher`, `ovation comments`: one role each, for clusters. */

import { isDatacenterName, type PeerUrls, parsePeer } from "@ovation/dispatcher";
import { type Command, InvalidArgumentError } from "commander";
import type { Logger } from "pino";
import { startCommentsRole } from "../roles/comments-role.ts";
import { startDispatcherRole } from "../roles/dispatcher-role.ts";
import { startFrontendRole } from "../roles/frontend-role.ts";
import type { InternalSettings } from "../wiring/internal-part.ts";
import type { Settings } from "../wiring/settings.ts";
import {
  addInternalOptions,
  databaseOption,
  dispatcherOption,
  type InternalOptions,
  tableOption,
  toInternal,
} from "./cluster-options.ts";
import {
  addConnectionOptions,
  hostOption,
  hostsOption,
  idleOption,
  logLevelOption,
  metricsOption,
  onOff,
  option,
  portOption,
  secretOption,
  toSeconds,
  trustedProxiesOption,
} from "./options.ts";
import { policyOption, withPolicyFile } from "./policy-option.ts";
import { type CommonOptions, runRole, toSettings } from "./run.ts";
import { requireSecret } from "./secrets.ts";

interface RoleOptions extends CommonOptions, Partial<InternalOptions> {
  readonly secret?: string;
  readonly policy?: string;
}

export function addRoleCommands(program: Command): void {
  addFrontend(program);
  addDispatcher(program);
  addComments(program);
}

function addFrontend(program: Command): void {
  const command = program
    .command("frontend")
    .description("hold connections and broadcast to them")
    .addOption(portOption(8080))
    .addOption(hostOption())
    .addOption(dispatcherOption())
    .addOption(secretOption("the same on every process"))
    .addOption(policyOption())
    .addOption(trustedProxiesOption())
    .addOption(hostsOption())
    .addOption(metricsOption())
    .addOption(onOff("--rate-limits", "limits per address", "on"))
    .addOption(onOff("--zstd", "compress streams for browsers that accept it", "on"))
    .addOption(
      option("--drain-seconds <s>", "how long viewers are asked to leave before the process ends")
        .default(10)
        .argParser(toSeconds),
    )
    .addOption(
      option(
        "--tls-cert <file>",
        "certificate chain, PEM: HTTP/1.1, HTTP/2 and HTTP/3 on the one port",
      ),
    )
    .addOption(option("--tls-key <file>", "its private key, PEM"))
    .addOption(idleOption())
    .addOption(logLevelOption());
  addInternalOptions(addConnectionOptions(command), true).action(
    async (options: RoleOptions & { readonly dispatcher: string[] }) => {
      const { dispatcher: dispatchers } = options;
      await runRole({
        name: "frontend",
        read: (logger) => readSettings(options, logger),
        start: (settings) =>
          startFrontendRole({ settings, internal: internalOf(options), dispatchers }),
      });
    },
  );
}

interface DispatcherCommandOptions extends RoleOptions {
  readonly table: string;
  readonly database: string;
  readonly datacenter: string;
  readonly peer: readonly PeerUrls[];
  readonly forwardTtl: number;
  readonly forward: "all" | "wanted";
}

function addDispatcher(program: Command): void {
  const command = program
    .command("dispatcher")
    .description("look up who has a subscriber, dispatch to those, forward to other data centres")
    .addOption(portOption(8081))
    .addOption(hostOption())
    .addOption(tableOption().makeOptionMandatory())
    .addOption(databaseOption())
    .addOption(
      option("--datacenter <name>", "this data centre").default("main").argParser(toDatacenter),
    )
    .addOption(
      option(
        "--peer <url,url...>",
        "internal addresses of another data centre's dispatchers; NAME=url,url spares the question for its name; several times",
      )
        .default([])
        .argParser(collectPeers),
    )
    .addOption(
      option("--forward-ttl <s>", "how long a live event may wait for a data centre that is away")
        .default(5)
        .argParser(toSeconds),
    )
    .addOption(
      option(
        "--forward <what>",
        "all events, or those that are wanted: none of busy topics that nobody in the other data centre has",
      )
        .choices(["all", "wanted"])
        .default("wanted"),
    )
    .addOption(secretOption("the same on every process"))
    .addOption(policyOption())
    .addOption(trustedProxiesOption())
    .addOption(hostsOption())
    .addOption(metricsOption())
    .addOption(idleOption())
    .addOption(logLevelOption());
  addInternalOptions(command, true).action(async (options: DispatcherCommandOptions) => {
    const { table, database, datacenter, peer: peers, forward } = options;
    await runRole({
      name: "dispatcher",
      read: (logger) => readSettings(options, logger),
      start: (settings) =>
        startDispatcherRole({
          settings,
          internal: internalOf(options),
          table,
          database,
          datacenter,
          peers,
          forward,
          forwardTtlMs: options.forwardTtl * 1000,
        }),
    });
  });
}

interface CommentsCommandOptions extends RoleOptions {
  readonly dispatcher: string[];
  readonly database: string;
  readonly table?: string;
}

function addComments(program: Command): void {
  const command = program
    .command("comments")
    .description("comments, likes, videos, guests and the pages")
    .addOption(portOption(8082))
    .addOption(hostOption())
    .addOption(dispatcherOption())
    .addOption(databaseOption())
    .addOption(tableOption())
    .addOption(secretOption("the same on every process"))
    .addOption(policyOption())
    .addOption(trustedProxiesOption())
    .addOption(hostsOption())
    .addOption(metricsOption())
    .addOption(onOff("--rate-limits", "limits per member and address", "on"))
    .addOption(
      option(
        "--videos <any|listed>",
        "any: a video exists by being used; listed: only those that were created",
      )
        .choices(["any", "listed"])
        .default("any"),
    )
    .addOption(onOff("--guests", "whether a name is enough to comment", "on"))
    .addOption(idleOption())
    .addOption(logLevelOption());
  addInternalOptions(command, false).action(async (options: CommentsCommandOptions) => {
    const { dispatcher: dispatchers, database, table } = options;
    await runRole({
      name: "comments",
      read: (logger) => readSettings(options, logger),
      start: (settings) =>
        startCommentsRole({
          settings,
          internal: internalOf(options),
          dispatchers,
          database,
          table,
        }),
    });
  });
}

/** Throws a sentence where an option or one of its files cannot be used. */
function readSettings(options: RoleOptions, logger?: Logger): Promise<Settings> {
  const secret = requireSecret(options.secret);
  internalOf(options);
  return withPolicyFile(toSettings(options, secret, logger), options.policy);
}

function internalOf(options: RoleOptions): InternalSettings {
  return toInternal(options, requireSecret(options.secret));
}

function toDatacenter(text: string): string {
  if (!isDatacenterName(text))
    throw new InvalidArgumentError("a data centre's name is 1 to 32 of a-z, 0-9 and '-'.");
  return text;
}

function collectPeers(text: string, earlier: readonly PeerUrls[]): readonly PeerUrls[] {
  try {
    return [
      ...earlier,
      ...text
        .split(/\s+/)
        .filter((part) => part !== "")
        .map(parsePeer),
    ];
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}
