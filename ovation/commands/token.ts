/** `ovation token`: prints a token, and nothing else on standard output. */

import { ROLES, type Role } from "@ovation/protocol";
import { type Command, InvalidArgumentError } from "commander";
import { signToken } from "../tokens/mod.ts";
import { dataOption, option, secretOption } from "./options.ts";
import { findSecret } from "./secrets.ts";

interface Options {
  readonly sub: string;
  readonly name?: string;
  readonly avatar?: string;
  readonly role: Role;
  readonly roles?: Record<string, Role>;
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

export function addTokenCommand(program: Command): void {
  program
    .command("token")
    .description("print a token, signed with OVATION_SECRET or the secret of a data directory")
    .addOption(option("--sub <id>", "the member's id").makeOptionMandatory())
    .addOption(option("--name <name>", "what others see; default: the id"))
    .addOption(option("--avatar <url>", "a picture, https"))
    .addOption(option("--role <role>", "on the whole site").choices(ROLES).default("member"))
    .addOption(
      option("--roles <video=role...>", "in single videos, for example 42=host").argParser(toRoles),
    )
    .addOption(
      option(
        "--subscribe <pattern...>",
        "topics beyond what is open to anyone: member:alice, video:*",
      ).default([]),
    )
    .addOption(
      option("--publish <pattern...>", "topics that the token may publish to; for servers").default(
        [],
      ),
    )
    .addOption(
      option("--ttl <time>", "how long it is valid: 90s, 15m, 8h, 30d")
        .default(86_400, "24h")
        .argParser(toTtl),
    )
    .addOption(option("--issuer <name>", "iss, where the policy file asks for one"))
    .addOption(option("--audience <name>", "aud, where the policy file asks for one"))
    .addOption(secretOption())
    .addOption(dataOption())
    .addHelpText(
      "after",
      "\n  ovation token --sub alice --name Alice\n  ovation token --sub backend --publish 'video:*'\n  ovation token --sub mona --role moderator",
    )
    .action(async (options: Options) => {
      const secret = findSecret(options.secret, options.data);
      try {
        process.stdout.write(
          `${await signToken(secret, toClaims(options), options.ttl, toSigning(options))}\n`,
        );
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        console.error(`ovation: ${error.message}`);
        process.exit(1);
      }
    });
}

function toClaims(options: Options) {
  const { sub, role, subscribe, publish } = options;
  return {
    sub,
    name: options.name ?? sub,
    role,
    ...(options.avatar === undefined ? {} : { avatar: options.avatar }),
    ...(options.roles === undefined ? {} : { roles: options.roles }),
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

export function toTtl(text: string): number {
  const match = /^([0-9]+)([smhd]?)$/.exec(text);
  if (match === null) throw new InvalidArgumentError("a time is a number with s, m, h or d: 15m.");
  const seconds = Number(match[1]) * (UNITS[match[2] || "s"] ?? 1);
  if (seconds < 1 || seconds > TTL_SECONDS_MAX)
    throw new InvalidArgumentError("a token is valid for at least 1s and at most 36500d.");
  return seconds;
}

function toRoles(text: string, earlier: Record<string, Role> | undefined): Record<string, Role> {
  const [video, role] = text.split("=");
  if (video === undefined || !ROLES.includes(role as Role))
    throw new InvalidArgumentError("write video=role, for example 42=host.");
  return { ...earlier, [video]: role as Role };
}
