/**
 * The settings of a process as every role reads them: the schema's values, checked and resolved.
 */

import type { HttpRequest, Policy } from "@ovation/protocol";
import type { Logger } from "pino";
import type { Cors } from "../listener/cors.ts";
import type { HostCheck } from "../listener/hosts.ts";
import type { PageRules } from "../page-source.ts";
import type { Configuration, TokenConfiguration } from "../policy/policy-file.ts";
import type { Reloads } from "../reload/reloads.ts";
import type { SignOptions } from "../tokens/mod.ts";
import type { SettingValues } from "./schema.ts";

export interface Settings extends SettingValues {
  /** Signs and verifies tokens. */
  readonly secret: string;
  readonly policy: Policy;
  /** PEM files. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly logger: Logger;
  /** Origins that browsers may call from; default: any. */
  readonly corsOrigins?: readonly string[];
  /** The client's address, by `trustedProxies`. */
  readonly addressOf?: (request: HttpRequest, peer: string) => string;
  /** What `/media/` serves; absent: nothing. */
  readonly mediaDirectory?: string;
  /** By `hosts`. */
  readonly checkHost?: HostCheck;
  /** By `corsOrigins`. */
  readonly cors?: Cors;
  /** Changes settings while the process runs; absent: they stay. */
  readonly reloads?: SettingsReloads;
  /** From the policy file: pages. */
  readonly pages?: Omit<PageRules, "messages">;
  /** From the policy file: keys beside the secret, issuer and audience. */
  readonly tokens?: TokenConfiguration;
  /** From the policy file: comments and messages. */
  readonly comments?: Pick<
    Configuration,
    "textCodePointsMax" | "likeKinds" | "messages" | "staff" | "rateRules" | "recordLives"
  >;
}

/**
 * The settings that a reload can change, as the files have them now. Workers get them from the
 * core.
 */
export type Renewed = Pick<
  Settings,
  "secret" | "policy" | "corsOrigins" | "trustedProxies" | "hosts" | "tokens" | "tls"
> & {
  readonly comments?: Pick<NonNullable<Settings["comments"]>, "rateRules" | "recordLives">;
};

export type SettingsReloads = Reloads<Renewed>;

export function pageRulesOf({ comments, pages }: Settings): PageRules {
  const messages = comments?.messages;
  return { ...pages, ...(messages === undefined ? {} : { messages }) };
}

/** The claims that this installation's own tokens need, so that it accepts them. */
export function signingOf({ tokens }: Pick<Settings, "tokens">): SignOptions {
  return {
    ...(tokens?.issuer === undefined ? {} : { issuer: tokens.issuer }),
    ...(tokens?.audience === undefined ? {} : { audience: tokens.audience }),
  };
}
