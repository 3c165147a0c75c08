/**
 * The configuration file: who may do what, by kind of topic, and the limits. YAML (of which JSON is
 * a part), read with the `yaml` package because it knows where each value stands, so that an error
 * names its line. What the file does not say is as built in; a kind that neither names does not
 * exist.
 */

import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { MessageRule, RateRules, RecordLives } from "@ovation/comments";
import { DEFAULT_POLICY, type KindPolicy, type Policy } from "@ovation/protocol";
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { createAddressOf } from "../listener/client-address.ts";
import { parseHosts } from "../listener/hosts.ts";
import type { PageRules } from "../page-source.ts";
import { type ClaimMapping, SECRET_BYTES_MIN, secretFault } from "../tokens/mod.ts";
import { type ConfigurationForm, configurationForm, type KindForm } from "./policy-schema.ts";

export const FILE_CHARACTERS_MAX = 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1_000;

/**
 * What a configuration file says. Absent members are as the command line or the built-in defaults
 * say.
 */
export interface Configuration {
  readonly policy: Policy;
  readonly textCodePointsMax?: number;
  readonly likeKinds?: readonly string[];
  readonly messages?: MessageRule;
  readonly staff?: readonly string[];
  readonly guests?: boolean;
  readonly videos?: "any" | "listed";
  readonly rateRules?: Partial<RateRules>;
  readonly recordLives?: Partial<RecordLives>;
  readonly corsOrigins?: readonly string[];
  readonly trustedProxies?: readonly string[];
  readonly hosts?: readonly string[];
  readonly pages?: Omit<PageRules, "messages">;
  readonly tokens?: TokenConfiguration;
}

export interface TokenConfiguration {
  readonly issuer?: string;
  readonly audience?: string;
  readonly acceptedSecrets?: readonly string[];
  /** PEM text. */
  readonly publicKeys?: readonly string[];
  readonly jwksUrl?: string;
  readonly clockToleranceS?: number;
  readonly tokenAgeMaxS?: number;
  readonly mapping?: ClaimMapping;
}

/**
 * What is wrong with the file: `policy.yaml:12:5: kinds.video.subscribe: …`, one line for each
 * mistake.
 */
export class PolicyFileError extends Error {
  override readonly name = "PolicyFileError";
}

/** Reads and checks the file; rejects with {@link PolicyFileError}. */
export async function readPolicyFile(path: string): Promise<Configuration> {
  const text = await read(path);
  const form = parseConfiguration(text, path);
  const readBeside = (files: readonly string[] = []) =>
    Promise.all(files.map((file) => read(resolve(dirname(path), file))));
  const publicKeys = await readBeside(form.tokens?.publicKeys);
  const acceptedSecrets = (await readBeside(form.tokens?.acceptedSecrets)).map((secret) =>
    secret.trim(),
  );
  for (const [index, secret] of acceptedSecrets.entries())
    if (secretFault(secret) !== undefined)
      throw new PolicyFileError(
        `${path}: tokens.acceptedSecrets.${index}: the file holds fewer than ` +
          `${SECRET_BYTES_MIN} bytes: such a secret can be guessed; take the file out of the list`,
      );
  return toConfiguration(form, { publicKeys, acceptedSecrets });
}

/** What stands in the files that the configuration names. */
interface KeyFiles {
  readonly publicKeys: readonly string[];
  readonly acceptedSecrets: readonly string[];
}

async function read(path: string): Promise<string> {
  try {
    const text = await readFile(path, "utf8");
    if (text.length > FILE_CHARACTERS_MAX)
      throw new PolicyFileError(`${path}: longer than ${FILE_CHARACTERS_MAX} characters`);
    return text;
  } catch (error) {
    if (error instanceof PolicyFileError) throw error;
    throw new PolicyFileError(
      `${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`,
      { cause: error },
    );
  }
}

/** The checked form of a file's text; `path` is for the messages. */
export function parseConfiguration(text: string, path: string): ConfigurationForm {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const syntax = [...document.errors, ...document.warnings].map(({ pos, message }) =>
    at(path, lines, pos[0], message),
  );
  if (syntax.length > 0) throw new PolicyFileError(syntax.join("\n"));

  const result = configurationForm.safeParse(document.toJS() ?? {});
  const mistakes = result.success
    ? findUnsafe(result.data)
    : result.error.issues.flatMap(toMistakes);
  if (mistakes.length > 0) {
    throw new PolicyFileError(
      mistakes
        .map(({ keys, message }) =>
          at(path, lines, offsetOf(document, keys), `${keys.join(".")}: ${message}`),
        )
        .join("\n"),
    );
  }
  if (!result.success) throw result.error;
  return result.data;
}

interface Mistake {
  readonly keys: readonly (string | number)[];
  readonly message: string;
}

function toMistakes(issue: z.core.$ZodIssue): readonly Mistake[] {
  const keys = issue.path.map((key) => (typeof key === "number" ? key : String(key)));
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({ keys: [...keys, key], message: "is not known here" }));
  if (issue.code === "invalid_key")
    return [{ keys, message: issue.issues[0]?.message ?? issue.message }];
  return [{ keys, message: issue.message }];
}

/** What the schema allows and no site can want. */
function findUnsafe(form: ConfigurationForm): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  const member = form.kinds?.member;
  const audiences = [
    member?.subscribe,
    ...(member?.exceptions ?? []).map(({ subscribe }) => subscribe),
  ];
  if (
    audiences.some(
      (audience) => audience !== undefined && audience !== "own" && audience !== "token",
    )
  ) {
    mistakes.push({
      keys: ["kinds", "member"],
      message: "personal topics are for their own member (own) or by token, nothing else",
    });
  }
  for (const [name, kind] of Object.entries(form.kinds ?? {})) {
    if (!Object.hasOwn(DEFAULT_POLICY, name) && kind.subscribe === undefined) {
      mistakes.push({ keys: ["kinds", name], message: "a new kind says who may subscribe" });
    }
    const isInternal = Object.hasOwn(DEFAULT_POLICY, name) && DEFAULT_POLICY[name]?.internal;
    for (const member of Object.keys(kind)) {
      if (isInternal !== true || member === "retention") continue;
      const message = `${name} is the system's own kind: only its retention can be set`;
      mistakes.push({ keys: ["kinds", name, member], message });
    }
  }
  try {
    parseHosts(form.hosts ?? []);
  } catch (error) {
    mistakes.push({ keys: ["hosts"], message: (error as Error).message });
  }
  try {
    createAddressOf({ trustedProxies: form.trustedProxies, onWarning: () => undefined });
  } catch (error) {
    mistakes.push({ keys: ["trustedProxies"], message: (error as Error).message });
  }
  return mistakes;
}

/** Where the value stands, or its key, or the nearest thing around it. */
function offsetOf(document: Document, keys: readonly (string | number)[]): number {
  for (let length = keys.length; length > 0; length--) {
    const parent =
      length === 1 ? document.contents : document.getIn(keys.slice(0, length - 1), true);
    if (isMap(parent)) {
      const pair = parent.items.find(
        ({ key }) => (isScalar(key) ? String(key.value) : undefined) === String(keys[length - 1]),
      );
      if (pair !== undefined && isNode(pair.key) && pair.key.range) return pair.key.range[0];
    }
    const node = document.getIn(keys.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function at(path: string, lines: LineCounter, offset: number, message: string): string {
  const { line, col } = lines.linePos(offset);
  return `${path}:${line}:${col}: ${message}`;
}

function toConfiguration(
  form: ConfigurationForm,
  { publicKeys, acceptedSecrets }: KeyFiles,
): Configuration {
  const { tokens } = form;
  return withoutUndefined({
    policy: toPolicy(form.kinds ?? {}),
    textCodePointsMax: form.comments?.textLength,
    likeKinds: form.comments?.likeKinds,
    messages: form.messages,
    staff: form.staff,
    guests: form.guests,
    videos: form.videos,
    recordLives: form.records === undefined ? undefined : toRecordLives(form.records),
    rateRules: form.limits === undefined ? undefined : toRateRules(form.limits),
    corsOrigins: form.cors,
    trustedProxies: form.trustedProxies,
    hosts: form.hosts,
    pages: form.pages === undefined ? undefined : withoutUndefined(form.pages),
    tokens:
      tokens === undefined
        ? undefined
        : withoutUndefined({
            issuer: tokens.issuer,
            audience: tokens.audience,
            acceptedSecrets: acceptedSecrets.length === 0 ? undefined : acceptedSecrets,
            publicKeys: publicKeys.length === 0 ? undefined : publicKeys,
            jwksUrl: tokens.jwksUrl,
            clockToleranceS: tokens.clockToleranceSeconds,
            tokenAgeMaxS: tokens.tokenAgeMaxSeconds,
            mapping: toMapping(tokens),
          }),
  });
}

function toMapping(tokens: NonNullable<ConfigurationForm["tokens"]>): ClaimMapping | undefined {
  const { roleClaim, roleMap, nameClaim, avatarClaim, giveRoles } = tokens;
  const mapping = withoutUndefined({
    roleClaim,
    roleMap,
    nameClaim,
    avatarClaim,
    givesRoles: giveRoles,
  });
  return Object.keys(mapping).length === 0 ? undefined : mapping;
}

/**
 * The built-in table with what the file changes; a new kind starts without viewers, types and
 * retention.
 */
export function toPolicy(kinds: Readonly<Record<string, KindForm>>): Policy {
  const policy: Record<string, KindPolicy> = { ...DEFAULT_POLICY };
  for (const [name, form] of Object.entries(kinds)) {
    const built: KindPolicy = (Object.hasOwn(DEFAULT_POLICY, name)
      ? DEFAULT_POLICY[name]
      : undefined) ?? {
      subscribe: "token",
      viewers: false,
      types: {},
      defaultType: { lane: "live" },
      retention: {},
    };
    const { subscribe, comment, exceptions, viewers, types, defaultType, retention } = form;
    policy[name] = {
      ...built,
      ...withoutUndefined({
        subscribe,
        comment,
        viewers,
        defaultType: defaultType === undefined ? undefined : withoutUndefined(defaultType),
      }),
      ...(exceptions === undefined
        ? {}
        : { exceptions: exceptions.map((each) => withoutUndefined(each)) }),
      types: {
        ...built.types,
        ...Object.fromEntries(
          Object.entries(types ?? {}).map(([type, each]) => [type, withoutUndefined(each)]),
        ),
      },
      retention:
        retention === undefined
          ? built.retention
          : withoutUndefined({
              eventsMax: retention.events,
              ageMsMax: retention.days === undefined ? undefined : retention.days * DAY_MS,
            }),
    };
  }
  return policy;
}

function toRecordLives(records: NonNullable<ConfigurationForm["records"]>): Partial<RecordLives> {
  const ms = (days: number | undefined) => (days === undefined ? undefined : days * DAY_MS);
  return withoutUndefined({
    unlistedVideosMs: ms(records.unlistedVideosDays),
    likedVideosMs: ms(records.likedVideosDays),
    guestsMs: ms(records.guestsDays),
    endedSanctionsMs: ms(records.endedSanctionsDays),
    guestLinksMs: ms(records.guestLinksDays),
    deletedVideosMs: ms(records.deletedVideosDays),
    presenceMs: ms(records.presenceDays),
  });
}

function toRateRules(limits: NonNullable<ConfigurationForm["limits"]>): Partial<RateRules> {
  return Object.fromEntries(
    Object.entries(limits).map(([name, { burst, perSeconds }]) => [
      name,
      { burst, perMs: perSeconds * 1_000 },
    ]),
  );
}

type Defined<Value> = {
  [Key in keyof Value as undefined extends Value[Key] ? never : Key]: Value[Key];
} & {
  [Key in keyof Value as undefined extends Value[Key] ? Key : never]?: Exclude<
    Value[Key],
    undefined
  >;
};

/** A member that is absent is absent, not undefined. */
function withoutUndefined<Value extends object>(value: Value): Defined<Value> {
  return Object.fromEntries(
    Object.entries(value).filter(([, each]) => each !== undefined),
  ) as Defined<Value>;
}
