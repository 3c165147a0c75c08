/** What processes of a cluster have: where the others are, stores, the internal listener. */

import { isDatacenterName, isInternalUrl, parsePeer } from "@ovation/dispatcher";
import { parseStoreUrl } from "@ovation/table";
import { setting } from "./setting.ts";
import { choice, entriesOf, host, inMs, onOff, parsed, port, seconds, text } from "./values.ts";

const REQUIRED = { isRequired: true } as const;
const CLUSTER = { frontend: {}, dispatcher: {}, comments: {} } as const;
const CALLED = { frontend: {}, dispatcher: {} } as const;

export const dispatchersSettings = {
  dispatchers: setting({
    flags: "--dispatcher <url...>",
    help: "internal URLs of dispatchers, http://host:port; any of them answers",
    value: parsed((given) => entriesOf(given).map(toInternalUrl)),
    commands: { frontend: REQUIRED, comments: REQUIRED },
    page: "cluster.md",
  }),
  learnDispatchers: setting({
    flags: "--learn-dispatchers <on|off>",
    help: "also call dispatchers that register in the table; off: those of --dispatcher alone",
    ...onOff,
    default: "on",
    commands: { frontend: {}, comments: {} },
    page: "cluster.md",
  }),
};

export const databaseSettings = {
  database: setting({
    flags: "--database <url>",
    help: "postgres://user:password@host/name",
    value: parsed(toDatabase),
    isConfidential: true,
    commands: { dispatcher: REQUIRED, comments: REQUIRED },
    page: "redis-and-postgresql.md",
  }),
};

export const tableSettings = {
  table: setting({
    flags: "--table <url>",
    help:
      "redis://host:6379, redis+sentinel://host:26379,host:26379/name, or " +
      "redis+cluster://host:6379,host:6379",
    value: parsed(
      (given) => {
        parseStoreUrl(given);
        return given;
      },
      (message) => `--table: ${message}`,
    ),
    isConfidential: true,
    commands: { dispatcher: REQUIRED, comments: {} },
    page: "redis-and-postgresql.md",
  }),
};

export const dispatchSettings = {
  datacenter: setting({
    flags: "--datacenter <name>",
    help: "this data centre",
    value: text.refine(isDatacenterName, "a data centre's name is 1 to 32 of a-z, 0-9 and '-'."),
    default: "main",
    commands: { dispatcher: {} },
    page: "two-data-centres.md",
  }),
  peers: setting({
    flags: "--peer <url,url...>",
    help:
      "internal URLs of another data centre's dispatchers; NAME=url,url gives its name, " +
      "which is otherwise asked for; several times",
    value: parsed((given) =>
      given
        .split(/\s+/)
        .filter((part) => part !== "")
        .map(parsePeer),
    ),
    default: "",
    commands: { dispatcher: {} },
    page: "two-data-centres.md",
  }),
  forwardTtlMs: setting({
    flags: "--forward-ttl <s>",
    help: "how long a live event may wait for a data centre that is unreachable",
    value: inMs(seconds, 1000),
    default: "5",
    commands: { dispatcher: {} },
    page: "two-data-centres.md",
  }),
  forward: setting({
    flags: "--forward <what>",
    help:
      "all events, or those that are wanted: none of busy topics without a subscriber in " +
      "the other data centre",
    ...choice(["all", "wanted"]),
    default: "wanted",
    commands: { dispatcher: {} },
    page: "two-data-centres.md",
  }),
};

export const internalSettings = {
  internalPort: setting({
    flags: "--internal-port <port>",
    help: "where other processes of the installation call; 0: any free one",
    value: port,
    default: "0",
    commands: CALLED,
    page: "cluster.md",
  }),
  internalHost: setting({
    flags: "--internal-host <address>",
    help: "the address of that listener; never a public one",
    value: host,
    default: "127.0.0.1",
    commands: CALLED,
    page: "cluster.md",
  }),
  internalUrl: setting({
    flags: "--internal-url <url>",
    help: "where others reach it, if not at that address",
    value: parsed(toInternalUrl),
    commands: CALLED,
    page: "cluster.md",
  }),
  internalSecrets: setting({
    flags: "--internal-secret <secret...>",
    help: "shared by all processes; the first signs, all are accepted",
    value: text.transform((given) => [given]),
    isConfidential: true,
    mayBeEmpty: true,
    commands: CLUSTER,
    page: "cluster.md",
  }),
  internalTlsCert: setting({
    flags: "--internal-tls-cert <file>",
    help: "certificate of internal calls, PEM",
    value: text,
    commands: CLUSTER,
    page: "cluster.md",
  }),
  internalTlsKey: setting({
    flags: "--internal-tls-key <file>",
    help: "its private key, PEM",
    value: text,
    commands: CLUSTER,
    page: "cluster.md",
  }),
  internalTlsCa: setting({
    flags: "--internal-tls-ca <file>",
    help: "who signs the others' certificates: mutual TLS",
    value: text,
    commands: CLUSTER,
    page: "cluster.md",
  }),
};

function toInternalUrl(given: string): string {
  const url = given.replace(/\/$/, "");
  if (!isInternalUrl(url))
    throw new Error("an internal address is http://host:port or https://host:port.");
  return url;
}

export function toDatabase(given: string): string {
  const isDatabase =
    /^postgres(ql)?:\/\//.test(given) && URL.canParse(given) && new URL(given).hostname !== "";
  if (!isDatabase) throw new Error("--database needs postgres://user:password@host/name");
  return given;
}
