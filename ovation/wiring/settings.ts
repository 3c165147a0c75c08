/** What the operator decided, in one form, whichever role reads it. */

import type { LostLikes } from "@ovation/comments";
import type { AdmissionLimits } from "@ovation/frontend";
import { type Clock, type HttpRequest, type Policy, steadyClock } from "@ovation/protocol";
import type { Logger } from "pino";
import type { MetricsAt } from "../health.ts";
import type { Cors } from "../listener/cors.ts";
import type { HostCheck } from "../listener/hosts.ts";
import { sparingly } from "../logging/log-throttle.ts";
import type { PageRules } from "../page-source.ts";
import type { Configuration, TokenConfiguration } from "../policy/policy-file.ts";
import type { Reloads } from "../reload/reloads.ts";
import type { SignOptions } from "../tokens/mod.ts";

export interface Settings {
  readonly port: number;
  readonly host: string;
  /** Where SQLite files and a secret of the installation's own making are. */
  readonly dataDirectory: string;
  /** Signs and verifies tokens. */
  readonly secret: string;
  readonly policy: Policy;
  readonly rateLimits: boolean;
  readonly videos: "any" | "listed";
  readonly guests: boolean;
  readonly zstd: boolean;
  /** Broadcasts write to sockets by descriptor, where the system can. */
  readonly directSend: boolean;
  readonly drainMs: number;
  readonly heartbeatMs: number;
  /** What the operator said of it; the rest by default. Nothing holds with `rateLimits` off. */
  readonly admission?: Partial<AdmissionLimits>;
  /** How long a connection lasts: a random time between these. */
  readonly lifetimeMs?: { readonly min: number; readonly max: number };
  /** How long a kept connection may wait for its next request. */
  readonly idleMs?: number;
  /** How long a viewer may take no bytes. */
  readonly stuckMs?: number;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly logger: Logger;
  /** Origins that browsers may call from; default: any. */
  readonly corsOrigins?: readonly string[];
  /** Whose `X-Forwarded-For` is believed; absent: loopback's. */
  readonly trustedProxies?: readonly string[];
  /** The client's address, by those. */
  readonly addressOf?: (request: HttpRequest, peer: string) => string;
  /** What `/media/` serves; without it there is none. */
  readonly mediaDirectory?: string;
  /** Names that this server is asked for by, as `hosts.ts` takes them. */
  readonly hosts?: readonly string[];
  readonly checkHost?: HostCheck;
  /** By {@link corsOrigins}. */
  readonly cors?: Cors;
  /** What takes settings over while the process runs. Absent: nothing does. */
  readonly reloads?: Reloads;
  /** Where `/metrics` is: on the public listener, nowhere, or on a listener of its own. Default: on. */
  readonly metrics?: MetricsAt;
  /** What the policy file says of pages. */
  readonly pages?: Omit<PageRules, "messages">;
  /** Keys beside the secret, issuer and audience. */
  readonly tokens?: TokenConfiguration;
  /** What the policy file says of comments and messages. */
  readonly comments?: Pick<
    Configuration,
    "textCodePointsMax" | "likeKinds" | "messages" | "staff" | "rateRules" | "recordLives"
  >;
}

export function pageRulesOf({ comments, pages }: Settings): PageRules {
  const messages = comments?.messages;
  return { ...pages, ...(messages === undefined ? {} : { messages }) };
}

/** A running process of any role. */
export interface Node {
  readonly url: string;
  /**
   * Asks clients to return elsewhere, finishes what was begun, closes what was opened. Answers what
   * was accepted and is lost, as sentences: none where all is kept.
   */
  stop(): Promise<readonly string[]>;
}

/** What a stop has to say of likes that no store took. */
export function sentencesOf({ likes, videos }: LostLikes): readonly string[] {
  if (likes === 0) return [];
  return [
    `${likes} likes of ${videos} videos were accepted and could not be stored or confirmed: they are lost`,
  ];
}

/** What the tokens of this installation's own making have to say, to be taken by it. */
export function signingOf({ tokens }: Pick<Settings, "tokens">): SignOptions {
  return {
    ...(tokens?.issuer === undefined ? {} : { issuer: tokens.issuer }),
    ...(tokens?.audience === undefined ? {} : { audience: tokens.audience }),
  };
}

/**
 * Says what failed and that the process goes on from it. While a store is away every publish fails: thousands a second, which
 * must not fill a disk as well.
 */
export function failureLogger(
  logger: Logger,
  clock: Clock = steadyClock,
): (what: string, error: unknown) => void {
  const say = sparingly(clock);
  return (what, error) =>
    say(what, (unsaid) => logger.warn({ error, what, ...unsaid }, "failed, and goes on"));
}
