/** Logs for the contract suites: opened empty, thrown away after each test. */

import {
  type Clock,
  DEFAULT_POLICY,
  type Policy,
  type Topic,
  toJsonText,
  topicOf,
} from "@ovation/protocol";
import { createManualClock, type ManualClock } from "../../testing/manual-clock.ts";
import type { Log, LogEntry, LogKeeper } from "../log.ts";

export interface OpenedLog {
  readonly log: Log & LogKeeper;
  /**
   * Another writer of the same log: another process's view. The same object where the form has but
   * one.
   */
  readonly other: Log & LogKeeper;
  dispose(): Promise<void>;
}

/**
 * Opens an empty log whose retention is `policy` and whose clock is `clock`, where the form has one
 * of its own.
 */
export type OpenLog = (options: {
  readonly policy: Policy;
  readonly clock: Clock;
}) => Promise<OpenedLog>;

export interface ContractOptions {
  /** PostgreSQL stamps by the database's clock: tests that move the clock leave it out. */
  readonly hasOwnClock: boolean;
}

/** Runs a test on an empty log. */
export type WithLog = (
  run: (log: Log & LogKeeper, clock: ManualClock, other: Log & LogKeeper) => Promise<void>,
) => Promise<void>;

/** Kinds with a retention of their own: `few` keeps ten events, `none` none. */
export const RETENTION: Policy = {
  ...DEFAULT_POLICY,
  few: {
    subscribe: "anyone",
    viewers: false,
    types: {},
    defaultType: { lane: "durable" },
    retention: { eventsMax: 10 },
  },
  none: {
    subscribe: "anyone",
    viewers: false,
    types: {},
    defaultType: { lane: "durable" },
    retention: { eventsMax: 0 },
  },
  young: {
    subscribe: "anyone",
    viewers: false,
    types: {},
    defaultType: { lane: "durable" },
    retention: { ageMsMax: 60_000 },
  },
};

let topicCount = 0;
/** A topic that no other test of this file uses. */
export function freshTopic(kind = "video"): Topic {
  return topicOf(kind, `t${++topicCount}`);
}

export function entry(topic: Topic, text: string, more: Partial<LogEntry> = {}): LogEntry {
  return { topic, type: "comment", at: 1_732_300_000_000, data: toJsonText({ text }), ...more };
}

export function createWithLog(open: OpenLog): WithLog {
  return async (run) => {
    const clock = createManualClock(1_800_000_000_000);
    const opened = await open({ policy: RETENTION, clock });
    try {
      await run(opened.log, clock, opened.other);
    } finally {
      await opened.dispose();
    }
  };
}

export async function appendMany(log: Log, topic: Topic, count: number): Promise<void> {
  await log.append(Array.from({ length: count }, (_, index) => entry(topic, `${index + 1}`)));
}

export function seqsOf(
  events: readonly { readonly place: { readonly seq: number } }[],
): readonly number[] {
  return events.map((event) => event.place.seq);
}

export function never(): never {
  throw new Error("expected to be there");
}
