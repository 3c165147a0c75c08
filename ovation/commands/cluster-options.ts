/** Options of the roles of a cluster: addresses of the others, the internal listener, the shared secrets. */

import { X509Certificate } from "node:crypto";
import { isInternalUrl } from "@ovation/dispatcher";
import { parseStoreUrl } from "@ovation/table";
import { type Command, InvalidArgumentError } from "commander";
import type { InternalSettings } from "../wiring/internal-part.ts";
import { option, secretValueOption, toHost, toPort } from "./options.ts";
import { fail, readPem, requireKeyPair } from "./run.ts";
import { requireInternalSecrets } from "./secrets.ts";

export interface InternalOptions {
  readonly internalPort: number;
  readonly internalHost: string;
  readonly internalUrl?: string;
  readonly internalSecret?: string[];
  readonly internalTlsCert?: string;
  readonly internalTlsKey?: string;
  readonly internalTlsCa?: string;
}

/** The options of {@link InternalOptions}; `listens` for roles that others call. */
export function addInternalOptions(command: Command, listens: boolean): Command {
  if (listens) {
    command
      .addOption(
        option(
          "--internal-port <port>",
          "where other processes of the installation call; 0: any free one",
        )
          .default(0)
          .argParser(toPort),
      )
      .addOption(
        option("--internal-host <address>", "the address of that listener; never a public one")
          .default("127.0.0.1")
          .argParser(toHost),
      )
      .addOption(
        option("--internal-url <url>", "where others reach it, if not at that address").argParser(
          toInternalUrl,
        ),
      );
  }
  return command
    .addOption(
      secretValueOption(
        "--internal-secret <secret...>",
        "shared by all processes; the first signs, all are accepted",
      ).argParser(collectSecrets),
    )
    .addOption(option("--internal-tls-cert <file>", "certificate of internal calls, PEM"))
    .addOption(option("--internal-tls-key <file>", "its private key, PEM"))
    .addOption(
      option("--internal-tls-ca <file>", "who signs the others' certificates: mutual TLS"),
    );
}

/** `secret` is the one of tokens. */
export function toInternal(options: Partial<InternalOptions>, secret: string): InternalSettings {
  const secrets = requireInternalSecrets(options.internalSecret ?? [], secret);
  const { internalTlsCert: cert, internalTlsKey: key, internalTlsCa: ca } = options;
  if ((cert === undefined) !== (key === undefined))
    fail("--internal-tls-cert and --internal-tls-key go together");
  if (cert !== undefined && key !== undefined) requireKeyPair("--internal-tls", cert, key);
  if (ca !== undefined)
    readPem("--internal-tls-ca", ca, "certificate", (pem) => new X509Certificate(pem));
  return {
    host: options.internalHost ?? "127.0.0.1",
    port: options.internalPort ?? 0,
    url: options.internalUrl,
    secrets,
    tls: cert === undefined || key === undefined ? undefined : { cert, key, ca },
  };
}

export const dispatcherOption = () =>
  option(
    "--dispatcher <url...>",
    "internal addresses of dispatchers, http://host:port; any of them answers",
  )
    .argParser(collectUrls)
    .makeOptionMandatory();

export const databaseOption = () =>
  option("--database <url>", "postgres://user:password@host/name")
    .argParser(toDatabase)
    .makeOptionMandatory();

export const tableOption = () =>
  option(
    "--table <url>",
    "redis://host:6379, redis+sentinel://host:26379,host:26379/name, or redis+cluster://host:6379,host:6379",
  ).argParser(toTable);

/** Empty ones are refused with the others, in words that do not repeat a secret. */
function collectSecrets(text: string, earlier: string[] | undefined): string[] {
  return [...(earlier ?? []), text];
}

/** From the environment as well, where several stand behind each other. */
function collectUrls(text: string, earlier: string[] | undefined): string[] {
  const urls = text.split(/[\s,]+/).filter((part) => part !== "");
  return [...(earlier ?? []), ...urls.map(toInternalUrl)];
}

function toInternalUrl(text: string): string {
  const url = text.replace(/\/$/, "");
  if (!isInternalUrl(url))
    throw new InvalidArgumentError("an internal address is http://host:port or https://host:port.");
  return url;
}

/** What is wrong with these two is said in words of ours: commander's would repeat the text, and its password. */
export function toDatabase(text: string): string {
  const isDatabase =
    /^postgres(ql)?:\/\//.test(text) && URL.canParse(text) && new URL(text).hostname !== "";
  if (!isDatabase) fail("--database needs postgres://user:password@host/name");
  return text;
}

function toTable(text: string): string {
  try {
    parseStoreUrl(text);
  } catch (error) {
    fail(`--table: ${error instanceof Error ? error.message : String(error)}`);
  }
  return text;
}
