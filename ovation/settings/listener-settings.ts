/** Where a process listens, and what it checks of every request. */

import { parseProxies } from "../listener/client-address.ts";
import { parseHosts } from "../listener/hosts.ts";
import { EVERY_COMMAND, setting } from "./setting.ts";
import {
  choice,
  entriesOf,
  host,
  inMs,
  parsed,
  parseValue,
  port,
  positive,
  SECONDS_MAX,
  text,
} from "./values.ts";

export const listenerSettings = {
  port: setting({
    flags: "--port <port>",
    help: "where to listen",
    value: port,
    default: "8080",
    commands: {
      start: {},
      frontend: {},
      dispatcher: { default: "8081" },
      comments: { default: "8082" },
    },
  }),
  host: setting({
    flags: "--host <address>",
    help: "the address to listen on; 0.0.0.0 for all",
    value: host,
    default: "127.0.0.1",
    commands: EVERY_COMMAND,
  }),
};

/** Where `/metrics` is served: the public listener, nowhere, or a listener of its own. */
export type MetricsPlace = "on" | "off" | { readonly host: string; readonly port: number };

export const requestSettings = {
  policyFile: setting({
    flags: "--policy <file>",
    help: "who may do what, limits, keys and proxies: one YAML file",
    value: text,
    commands: EVERY_COMMAND,
    page: "../policy.md",
  }),
  trustedProxies: setting({
    flags: "--trusted-proxies <addresses...>",
    help:
      "proxies whose X-Forwarded-For is believed: addresses, networks, loopback, private; " +
      "default: loopback",
    value: parsed(
      parseProxies,
      (message) => `${message}; write 10.0.0.5, 10.0.0.0/8, loopback or private.`,
    ),
    commands: EVERY_COMMAND,
    page: "proxy.md",
  }),
  hosts: setting({
    flags: "--hosts <names...>",
    help:
      "names that this server is asked for by: live.example.org, *.example.org, * for any; " +
      "default: on loopback only localhost, elsewhere any",
    value: parsed(
      (given) => parseHosts(entriesOf(given)),
      (message) => `${message}.`,
    ),
    commands: EVERY_COMMAND,
    page: "proxy.md",
  }),
  metrics: setting({
    flags: "--metrics <where>",
    help: "/metrics: on (the public port), off, or an address and port for a listener of its own",
    value: parsed(toMetricsPlace),
    default: "on",
    commands: EVERY_COMMAND,
    page: "metrics.md",
  }),
};

function toMetricsPlace(given: string): MetricsPlace {
  if (given === "on" || given === "off") return given;
  const [, bracketed, plain, digits = ""] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(given) ?? [];
  if (digits === "") throw new Error("needs on, off, or an address and a port: 127.0.0.1:9090.");
  return { host: parseValue(host, bracketed ?? plain ?? ""), port: parseValue(port, digits) };
}

export const processSettings = {
  idleMs: setting({
    flags: "--idle-seconds <s>",
    help:
      "how long a kept connection may wait for its next request; longer than a proxy in " +
      "front keeps it; default: 30",
    value: inMs(positive(SECONDS_MAX), 1000),
    commands: EVERY_COMMAND,
    page: "proxy.md",
  }),
  logLevel: setting({
    flags: "--log-level <level>",
    help: "what is written to standard error",
    ...choice(["debug", "info", "warn", "error", "silent"]),
    default: "info",
    commands: EVERY_COMMAND,
  }),
};
