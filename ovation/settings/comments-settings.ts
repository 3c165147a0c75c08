/** What people may do in comments. */

import { setting } from "./setting.ts";
import { choice, onOff } from "./values.ts";

const LIMITS = "limits per member and address";

export const commentsSettings = {
  rateLimits: setting({
    flags: "--rate-limits <on|off>",
    help: `${LIMITS}; off for measuring and imports`,
    ...onOff,
    default: "on",
    commands: {
      start: {},
      frontend: { help: "limits per address" },
      comments: { help: LIMITS },
    },
    page: "hostile-clients.md",
  }),
  videos: setting({
    flags: "--videos <any|listed>",
    help: "any: a video exists by being used; listed: only those that were created",
    ...choice(["any", "listed"]),
    default: "any",
    commands: { start: {}, comments: {} },
    page: "../policy.md",
  }),
  guests: setting({
    flags: "--guests <on|off>",
    help: "whether a name is enough to comment",
    ...onOff,
    default: "on",
    commands: { start: {}, comments: {} },
    page: "../policy.md",
  }),
};
