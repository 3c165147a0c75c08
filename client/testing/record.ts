/** Handlers that record their calls. */

import type { TopicHandlers } from "../types.ts";
import type { Harness } from "./harness.ts";

export interface Log {
  readonly lines: string[];
  readonly handlers: TopicHandlers;
}

export function record(): Log {
  const lines: string[] = [];
  return {
    lines,
    handlers: {
      comment: ({ seq }) => void lines.push(`comment ${seq}`),
      onSubscribed: ({ head }) => void lines.push(`subscribed ${head}`),
      onReset: ({ head }) => void lines.push(`reset ${head}`),
      onRefused: (code) => void lines.push(`refused ${code}`),
      onGap: ({ lost }) => void lines.push(`gap ${lost}`),
    },
  };
}

export function comment(harness: Harness, topic = "video:1"): void {
  harness.model.publish(topic, "comment", { text: "x" });
}
