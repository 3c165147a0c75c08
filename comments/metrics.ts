/** What the comments service counts. */

import { Counter, Gauge, Histogram, type Registry } from "prom-client";

export interface Metrics {
  readonly comments: Counter;
  readonly duplicates: Counter;
  readonly removals: Counter;
  readonly likes: Counter;
  readonly guests: Counter;
  readonly messages: Counter;
  readonly refused: Counter<"code">;
  readonly commitSeconds: Histogram;
  readonly unpublished: Counter<"reason">;
  readonly failures: Counter<"part">;
}

export function createMetrics(registry: Registry, waiting: () => number): Metrics {
  const registers = [registry];
  new Gauge({
    name: "ovation_comments_outbox_events",
    help: "Committed events that wait to be published",
    registers,
    collect() {
      this.set(waiting());
    },
  });
  return {
    comments: new Counter({
      name: "ovation_comments_total",
      help: "Comments committed",
      registers,
    }),
    duplicates: new Counter({
      name: "ovation_comments_duplicates_total",
      help: "Retries answered from the log",
      registers,
    }),
    removals: new Counter({
      name: "ovation_comments_removals_total",
      help: "Comments removed",
      registers,
    }),
    likes: new Counter({ name: "ovation_likes_total", help: "Likes accepted", registers }),
    guests: new Counter({
      name: "ovation_guests_total",
      help: "Guest tokens given out",
      registers,
    }),
    messages: new Counter({
      name: "ovation_messages_total",
      help: "Messages between members committed",
      registers,
    }),
    refused: new Counter({
      name: "ovation_comments_refused_total",
      help: "Requests refused, by code",
      labelNames: ["code"],
      registers,
    }),
    commitSeconds: new Histogram({
      name: "ovation_comments_commit_seconds",
      help: "From the append of a comment to its commit",
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    unpublished: new Counter({
      name: "ovation_comments_unpublished_total",
      help: "Committed events that were not published and are left to the repair lane",
      labelNames: ["reason"],
      registers,
    }),
    failures: new Counter({
      name: "ovation_comments_failures_total",
      help: "Work in the background that failed and is tried again",
      labelNames: ["part"],
      registers,
    }),
  };
}
