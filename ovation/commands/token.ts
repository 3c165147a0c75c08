/** `ovation token`: prints a token, and nothing else on standard output. */

import { ROLES, type Role } from "@ovation/protocol";
import type { Command } from "commander";
import { toOption } from "../settings/commander-option.ts";
import { dataSettings } from "../settings/start-settings.ts";
import { choice, parsed, text } from "../settings/values.ts";
import { signToken } from "../tokens/mod.ts";
import { findSecret } from "./secrets.ts";

interface Options {
  readonly sub: string;
  readonly name?: string;
  readonly avatar?: string;
  readonly role: Role;
  readonly roles?: readonly (readonly [video: string, role: Role])[];
  readonly subscribe: string[];
  readonly publish: string[];
  readonly ttl: number;
  readonly issuer?: string;
  readonly audience?: string;
  readonly secret?: string;
  readonly data: string;
}

export const TTL_SECONDS_MAX = 36_500 * 86_400;
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

const pattern = text.transform((given) => [given]);

export function addTokenCommand(program: Command): void {
  program
    .command("token")
    .description("print a token, signed with OVATION_SECRET or the secret of a data directory")
    .addOption(
      toOption({ flags: "--sub <id>", help: "the member's id", value: text, isRequired: true }),
    )
    .addOption(
      toOption({ flags: "--name <name>", help: "what others see; default: the id", value: text }),
    )
    .addOption(toOption({ flags: "--avatar <url>", help: "a picture, https", value: text }))
    .addOption(
      toOption({
        flags: "--role <role>",
        help: "on the whole site",
        ...choice(ROLES),
        default: "member",
      }),
    )
    .addOption(
      toOption({
        flags: "--roles <video=role...>",
        help: "in single videos, for example 42=host",
        value: parsed(toRoles),
      }),
    )
    .addOption(
      toOption({
        flags: "--subscribe <pattern...>",
        help: "topics beyond what is open to anyone: member:alice, video:*",
        value: pattern,
      }).default([]),
    )
    .addOption(
      toOption({
        flags: "--publish <pattern...>",
        help: "topics that the token may publish to; for servers",
        value: pattern,
      }).default([]),
    )
    .addOption(
      toOption({
        flags: "--ttl <time>",
        help: "how long it is valid: 90s, 15m, 8h, 30d",
        value: parsed(toTtl),
        default: "24h",
      }),
    )
    .addOption(
      toOption({
        flags: "--issuer <name>",
        help: "iss, where the policy file asks for one",
        value: text,
      }),
    )
    .addOption(
      toOption({
        flags: "--audience <name>",
        help: "aud, where the policy file asks for one",
        value: text,
      }),
    )
    .addOption(toOption(dataSettings.secret))
    .addOption(toOption(dataSettings.dataDirectory))
    .addHelpText(
      "after",
      "\n  ovation token --sub alice --name Alice" +
        "\n  ovation token --sub backend --publish 'video:*'" +
        "\n  ovation token --sub mona --role moderator",
    )
    .action(printToken);
}

async function printToken(options: Options): Promise<void> {
  const secret = findSecret(options.secret, options.data);
  try {
    const token = await signToken(secret, toClaims(options), options.ttl, toSigning(options));
    process.stdout.write(`${token}\n`);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`ovation: ${error.message}`);
    process.exit(1);
  }
}

function toClaims(options: Options) {
  const { sub, role, subscribe, publish } = options;
  return {
    sub,
    name: options.name ?? sub,
    role,
    ...(options.avatar === undefined ? {} : { avatar: options.avatar }),
    ...(options.roles === undefined ? {} : { roles: Object.fromEntries(options.roles) }),
    ...(subscribe.length === 0 ? {} : { subscribe }),
    ...(publish.length === 0 ? {} : { publish }),
  };
}

function toSigning({ issuer, audience }: Options) {
  return {
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  };
}

export function toTtl(given: string): number {
  const match = /^([0-9]+)([smhd]?)$/.exec(given);
  if (match === null) throw new Error("a time is a number with s, m, h or d: 15m.");
  const seconds = Number(match[1]) * (UNITS[match[2] || "s"] ?? 1);
  if (seconds < 1 || seconds > TTL_SECONDS_MAX)
    throw new Error("a token is valid for at least 1s and at most 36500d.");
  return seconds;
}

function toRoles(given: string): readonly (readonly [video: string, role: Role])[] {
  const [video, role] = given.split("=");
  if (video === undefined || !ROLES.includes(role as Role))
    throw new Error("write video=role, for example 42=host.");
  return [[video, role as Role]];
}
