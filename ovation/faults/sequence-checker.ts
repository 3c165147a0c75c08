/**
 * What one viewer saw of one topic against the log: every number after its start once, in order,
 * with what the log has there. How far a plain viewer that moved may be taken back is here.
 */

import { createFaultTimes, type FaultTimes } from "./fault-times.ts";
import type { Connected, Injected, LoggedEvent, SeenEvent, Viewer } from "./history.ts";
import { cutsViewers, holdsPositions } from "./repeat-excuses.ts";
import type { Report } from "./violation.ts";

export interface TopicLog {
  readonly head: number;
  readonly bySeq: ReadonlyMap<number, LoggedEvent>;
  readonly byKey: ReadonlyMap<string, number>;
}

/**
 * How far before its cut a plain viewer's position may reach back: the stamp in it is told once a
 * second, and stands still while the log or the dispatchers cannot be asked. A cut without notice
 * began where its network went silent, not where the viewer gave the connection up.
 */
const REPEATED_MS_MAX = 2500;
/** Until reports go on after something was mended. */
const REPORTS_AFTER_MS = 3000;

const NO_MARGINS = { beforeMs: 0, afterMs: 0 };

/**
 * A removed comment: later reads return it in place of the original.
 */
export const REMOVED = /^comment \{.*"removed":true/;

export interface RepeatTimes {
  /** What keeps positions from moving on. */
  readonly positions: FaultTimes;
  /** The same, and what cuts viewers off without their notice. */
  readonly connected: FaultTimes;
}

export function createRepeatTimes(faults: readonly Injected[]): RepeatTimes {
  const holding = faults
    .filter(holdsPositions)
    .map((fault) => ({ ...fault, to: fault.to + REPORTS_AFTER_MS }));
  return {
    positions: createFaultTimes(holding, NO_MARGINS),
    connected: createFaultTimes([...holding, ...faults.filter(cutsViewers)], NO_MARGINS),
  };
}

/**
 * A moment, in ms, that is not after the event's commit: its publisher's own, or that of the
 * nearest number before it, which was committed earlier. Ovation's own events have no publisher.
 */
function notBefore(sentAt: ReadonlyMap<number, number>, seq: number): number {
  for (let number = seq; number > 0; number--) {
    const at = sentAt.get(number);
    if (at !== undefined) return at;
  }
  return 0;
}

export function checkViewer(
  viewer: Viewer,
  topic: string,
  { log, sentAt }: { readonly log: TopicLog; readonly sentAt: ReadonlyMap<number, number> },
  faults: RepeatTimes,
  report: Report,
): { delivered: number; repeated: number } {
  const { name, form } = viewer;
  let next: number | undefined;
  /**
   * A plain viewer that moved may be taken back once, to events that it saw (or, before its
   * start, that were sent) after this; from there on in order again, over returns that are exact.
   */
  let mayGoBack: ((seq: number) => boolean) | undefined;
  let again: number | undefined;
  let connection: Connected | undefined;
  /** When the last connection brought something, and when its end was noticed. */
  let [heardAt, leftAt] = [0, 0];
  let isConnected = false;
  const seenAt = new Map<number, number>();
  let delivered = 0;
  let repeated = 0;

  function take(event: SeenEvent, seq: number): void {
    delivered++;
    checkContent(event, seq);
    const due = again ?? next;
    if (due === undefined) {
      report(
        "phantom",
        name,
        topic,
        `number ${seq} at ${event.at} ms, before the subscription was active`,
      );
    } else if (seq < due && !(again === undefined && mayGoBack?.(seq))) {
      report("duplicate", name, topic, `number ${seq} at ${event.at} ms, after ${due - 1}`);
      return;
    } else if (seq > due) {
      report("lost", name, topic, `numbers ${due} to ${seq - 1}, noticed at ${event.at} ms`);
    }
    if (next !== undefined && seq < next) {
      repeated++;
      again = seq + 1;
    } else {
      next = seq + 1;
      again = undefined;
      if (form === "plain") seenAt.set(seq, event.at);
    }
    mayGoBack = undefined;
  }

  function connected(entry: Connected): void {
    const before = connection;
    connection = entry;
    const isExact =
      before === undefined ||
      before.frontend === entry.frontend ||
      entry.named?.includes(topic) === true;
    // Exact is what follows what that frontend was about to send, also where it was taken back.
    if (form !== "plain" || isExact) return;
    const quietMs = faults.connected.wholeMs(heardAt, leftAt);
    const cutAt = heardAt;
    const [allowed, goesOn] = [mayGoBack, again];
    again = undefined;
    mayGoBack = (seq) => {
      // What an earlier move allowed, and was cut before it came.
      if (allowed?.(seq) || (goesOn !== undefined && seq >= goesOn)) return true;
      const at = seenAt.get(seq) ?? notBefore(sentAt, seq);
      return faults.positions.wholeMs(at, cutAt) + quietMs <= REPEATED_MS_MAX;
    };
  }

  function checkContent(event: SeenEvent, seq: number): void {
    const logged = log.bySeq.get(seq);
    if (logged === undefined)
      report("phantom", name, topic, `number ${seq} is not in the log: ${event.content}`);
    else if (logged.content !== event.content && !REMOVED.test(logged.content)) {
      report(
        "other-content",
        name,
        topic,
        `number ${seq} is ${event.content}, in the log ${logged.content}`,
      );
    }
  }

  for (const entry of viewer.entries) {
    if (entry.kind === "connected") connected(entry);
    if (entry.kind === "disconnected") leftAt = entry.at;
    // How each topic begins comes before the connection that said it.
    isConnected = entry.kind === "connected" || (isConnected && entry.kind !== "disconnected");
    if (isConnected) heardAt = entry.at;
    if (entry.kind === "connected" || entry.kind === "disconnected" || entry.topic !== topic)
      continue;
    if (entry.kind === "subscribed") {
      next = entry.head + 1;
    } else if (entry.kind === "reset") {
      report(
        "reset",
        name,
        topic,
        `told to start over after ${entry.head}, had ${(next ?? 1) - 1}`,
      );
      next = entry.head + 1;
      [again, mayGoBack] = [undefined, undefined];
    } else if (entry.kind === "event" && entry.seq !== undefined) {
      take(entry, entry.seq);
    }
  }
  const missing = log.head - ((next ?? log.head + 1) - 1);
  if (viewer.presentAtEnd && missing > 0)
    report("lost", name, topic, `the last ${missing}, from number ${next}`);
  if (viewer.presentAtEnd && next === undefined && log.head > 0)
    report("lost", name, topic, "never subscribed");
  return { delivered, repeated };
}
