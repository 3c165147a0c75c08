/** What a process that holds event streams does with them. Each worker is such a process. */

import { setting } from "./setting.ts";
import { COUNT_MAX, count, inMs, onOff, positive, SECONDS_MAX, seconds, text } from "./values.ts";

const FRONTENDS = { start: {}, frontend: {} } as const;
const MINUTE_MS = 60_000;

export const streamSettings = {
  zstd: setting({
    flags: "--zstd <on|off>",
    help: "compress streams for browsers that accept it",
    ...onOff,
    default: "on",
    commands: FRONTENDS,
  }),
  drainMs: setting({
    flags: "--drain-seconds <s>",
    help: "how long viewers are asked to leave before the process ends",
    value: inMs(seconds, 1000),
    default: "10",
    commands: FRONTENDS,
    page: "upgrade.md",
  }),
  tlsCert: setting({
    flags: "--tls-cert <file>",
    help: "certificate chain, PEM: HTTPS with HTTP/1.1, HTTP/2 and HTTP/3 on the one port",
    value: text,
    commands: {
      start: {},
      frontend: { help: "certificate chain, PEM: HTTP/1.1, HTTP/2 and HTTP/3 on the one port" },
    },
    page: "proxy.md",
  }),
  tlsKey: setting({
    flags: "--tls-key <file>",
    help: "its private key, PEM",
    value: text,
    commands: FRONTENDS,
    page: "proxy.md",
  }),
};

export const connectionSettings = {
  connectionsMax: setting({
    flags: "--connections-max <n>",
    help: "connections that a process accepts; default: 9 of 10 descriptors that it may open",
    value: count(COUNT_MAX),
    commands: FRONTENDS,
    page: "hostile-clients.md",
  }),
  connectionsPerAddressMax: setting({
    flags: "--connections-per-address <n>",
    help: "connections from one address, over all workers; default: 2000",
    value: count(COUNT_MAX),
    commands: FRONTENDS,
    page: "hostile-clients.md",
  }),
  connectsPerSecond: setting({
    flags: "--connects-per-second <n>",
    help: "new connections a second that a process accepts; default: 5000",
    value: count(COUNT_MAX),
    commands: FRONTENDS,
    page: "hostile-clients.md",
  }),
  lifetimeMs: setting({
    flags: "--lifetime-minutes <m>",
    help: "how long a connection lasts, give or take a quarter; default: 60",
    value: inMs(positive(SECONDS_MAX / 60 / 2), MINUTE_MS),
    commands: FRONTENDS,
    page: "proxy.md",
  }),
  stuckMs: setting({
    flags: "--stuck-seconds <s>",
    help: "how long a viewer may read nothing before it is cut; default: 30",
    value: inMs(positive(SECONDS_MAX / 4), 1000),
    commands: FRONTENDS,
    page: "hostile-clients.md",
  }),
  directSend: setting({
    flags: "--direct-send <on|off>",
    help: "on Linux, broadcasts write to sockets by descriptor; off: by the runtime's sockets",
    ...onOff,
    default: "on",
    commands: FRONTENDS,
  }),
  heartbeatMs: setting({
    flags: "--heartbeat-seconds <s>",
    help: "a silent connection is sent a heartbeat this often; default: 15",
    value: inMs(positive(SECONDS_MAX / 4), 1000),
    commands: FRONTENDS,
    page: "proxy.md",
  }),
};
