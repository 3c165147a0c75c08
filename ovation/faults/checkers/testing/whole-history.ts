/** A history that keeps every promise, for tests that plant something in it. */

import { toJsonText } from "@ovation/protocol";
import {
  contentOf,
  type Entry,
  type History,
  type LoggedEvent,
  type Publish,
  type Viewer,
} from "../../history/history.ts";
import { check } from "../checker.ts";
import type { ViolationKind } from "../violation.ts";

export const TOPIC = "video:a";

export function goal(key: string): { readonly key: string; readonly content: string } {
  return { key, content: contentOf("goal", { id: key }) };
}

/**
 * What the system promises: numbers 1 to 5 acknowledged, live events 1 to 5, all seen by two
 * viewers.
 */
export function wholeHistory() {
  const log: LoggedEvent[] = [1, 2, 3, 4, 5].map((seq) => ({ seq, ...goal(`d${seq}`) }));
  const publishes: Publish[] = [1, 2, 3, 4, 5].flatMap((number) => [
    publish("durable", `d${number}`, number, { kind: "acknowledged", seq: number }),
    publish("live", `l${number}`, number, { kind: "acknowledged", seq: undefined }),
  ]);
  return {
    log,
    publishes,
    sdk: entries("sdk"),
    plain: entries("plain"),
    faults: [] as { from: number; to: number; kind?: string }[],
    presentAtEnd: true,
  };
}

export function publish(
  lane: Publish["lane"],
  key: string,
  number: number,
  outcome: Publish["outcome"],
): Publish {
  const sentAt = number * 1000;
  return {
    publisher: "ana",
    topic: TOPIC,
    lane,
    key,
    number,
    sentAt,
    endedAt: sentAt + 10,
    attempts: 1,
    outcome,
  };
}

export function entries(_form: Viewer["form"]): Entry[] {
  const seen = [1, 2, 3, 4, 5].flatMap((number): Entry[] => [durable(number), live(number)]);
  return [
    { kind: "connected", at: 0, frontend: "f1" },
    { kind: "subscribed", topic: TOPIC, head: 0, at: 1 },
    ...seen,
  ];
}

export function durable(seq: number, key = `d${seq}`): Entry {
  return { kind: "event", topic: TOPIC, seq, ...goal(key), at: seq * 1000 + 20 };
}

export function live(number: number): Entry {
  return {
    kind: "event",
    topic: TOPIC,
    seq: undefined,
    ...goal(`l${number}`),
    at: number * 1000 + 20,
  };
}

export type Whole = ReturnType<typeof wholeHistory>;

export function historyOf({ log, publishes, sdk, plain, faults, presentAtEnd }: Whole): History {
  return {
    publishes,
    faults: faults.map((fault) => ({ kind: "kill", target: "frontend", ...fault })),
    log: new Map([[TOPIC, log]]),
    likes: [],
    lostAtStop: [],
    atEnd: [],
    counted: undefined,
    viewers: [
      { name: "sdk", form: "sdk", topics: [TOPIC], entries: sdk, presentAtEnd },
      { name: "plain", form: "plain", topics: [TOPIC], entries: plain, presentAtEnd },
    ],
  };
}

/** The kinds of violation after something was planted. */
export function planted(change: (whole: Whole) => void): readonly ViolationKind[] {
  const whole = wholeHistory();
  change(whole);
  return [...new Set(check(historyOf(whole)).violations.map(({ kind }) => kind))].sort();
}

export function indexOf(list: readonly Entry[], entry: Entry): number {
  return list.findIndex((one) => toJsonText(one) === toJsonText(entry));
}

export function replace<Item>(list: Item[], index: number, item: Item): void {
  list[index] = item;
}

export function take(list: Entry[], entry: Entry): Entry {
  const [taken] = list.splice(indexOf(list, entry), 1);
  if (taken === undefined) throw new Error("not in the list");
  return taken;
}
