/** What one installation on one machine has. */

import { z } from "zod";
import { setting } from "./setting.ts";
import { count, text, WORKERS_MAX } from "./values.ts";

const SECRET = "signs and verifies tokens, at least 16 bytes";
const IN_CLUSTER = { help: `${SECRET}; the same on every process` };

export const dataSettings = {
  dataDirectory: setting({
    flags: "--data <directory>",
    help: "where comments, likes and the secret are kept",
    value: text,
    default: "./data",
    commands: { start: {} },
    page: "backup.md",
  }),
  secret: setting({
    flags: "--secret <secret>",
    help: `${SECRET}; default: made once and kept in the data directory`,
    value: text,
    isConfidential: true,
    mayBeEmpty: true,
    commands: { start: {}, frontend: IN_CLUSTER, dispatcher: IN_CLUSTER, comments: IN_CLUSTER },
    page: "reload.md",
  }),
};

export const startSettings = {
  workers: setting({
    flags: "--workers <n>",
    help: "frontend processes that share the port",
    value: count(WORKERS_MAX),
    default: "1",
    commands: { start: {} },
  }),
  demo: setting({
    flags: "--demo",
    help: "a demo video and a simulated audience",
    value: z.boolean(),
    commands: { start: {} },
  }),
};
