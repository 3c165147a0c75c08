/**
 * What one viewer saw of one topic, compared with the log: every number after its start once, in
 * order, with the log's content. A plain viewer that moved may go back by a bounded time.
 */

import type {
  Connected,
  Entry,
  Injected,
  LoggedEvent,
  SeenEvent,
  Viewer,
} from "../history/history.ts";
import { createFaultTimes, type FaultTimes } from "./fault-times.ts";
import { cutsViewers, holdsPositions } from "./repeat-excuses.ts";
import type { Report, ViolationKind } from "./violation.ts";

export interface TopicLog {
  readonly head: number;
  readonly bySeq: ReadonlyMap<number, LoggedEvent>;
  readonly byKey: ReadonlyMap<string, number>;
}

/**
 * How far before its cut a plain viewer's position may reach back: its stamp advances once a
 * second, and not while the log or the dispatchers are unreachable. A cut without notice begins
 * where the network became silent, not where the viewer gave up the connection.
 */
const REPEATED_MS_MAX = 2500;
/** Until reports resume after a fault. */
const REPORTS_AFTER_MS = 3000;

const NO_MARGINS = { beforeMs: 0, afterMs: 0 };

/** A removed comment: later reads return it in place of the original. */
export const REMOVED = /^comment \{.*"removed":true/;

export interface RepeatTimes {
  /** Faults that keep positions from advancing. */
  readonly positions: FaultTimes;
  /** The same, and faults that cut viewers off without notice. */
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

/** One topic, as the log and its publishers have it. */
export interface CheckedTopic {
  readonly topic: string;
  readonly log: TopicLog;
  /** By sequence number. */
  readonly sentAt: ReadonlyMap<number, number>;
}

export interface DeliveryCounts {
  readonly delivered: number;
  /** Repeated deliveries that a promise allows. */
  readonly repeated: number;
}

export function checkViewer(
  viewer: Viewer,
  topic: CheckedTopic,
  faults: RepeatTimes,
  report: Report,
): DeliveryCounts {
  const checker = new SequenceChecker(viewer, topic, faults, report);
  for (const entry of viewer.entries) checker.take(entry);
  checker.end(viewer.presentAtEnd);
  return checker.counts;
}

class SequenceChecker {
  readonly #form: Viewer["form"];
  readonly #topic: CheckedTopic;
  readonly #faults: RepeatTimes;
  readonly #report: (kind: ViolationKind, detail: string) => void;
  readonly #counts = { delivered: 0, repeated: 0 };
  readonly #seenAt = new Map<number, number>();
  #next: number | undefined;
  /**
   * A plain viewer that moved may go back once, to events that it saw (or, before its start, that
   * were sent) after this; from there on in order again, over exact reconnects.
   */
  #mayGoBack: ((seq: number) => boolean) | undefined;
  /** The next number of a repetition. */
  #again: number | undefined;
  #connection: Connected | undefined;
  #isConnected = false;
  /** When the last connection delivered something, and when its end was noticed. */
  #heardAt = 0;
  #leftAt = 0;

  constructor({ name, form }: Viewer, topic: CheckedTopic, faults: RepeatTimes, report: Report) {
    this.#form = form;
    this.#topic = topic;
    this.#faults = faults;
    this.#report = (kind, detail) => report(kind, name, topic.topic, detail);
  }

  get counts(): DeliveryCounts {
    return this.#counts;
  }

  take(entry: Entry): void {
    if (entry.kind === "connected") this.#connect(entry);
    if (entry.kind === "disconnected") this.#leftAt = entry.at;
    // The start of each topic precedes the connection that announced it.
    this.#isConnected =
      entry.kind === "connected" || (this.#isConnected && entry.kind !== "disconnected");
    if (this.#isConnected) this.#heardAt = entry.at;
    if (entry.kind === "connected" || entry.kind === "disconnected") return;
    if (entry.topic !== this.#topic.topic) return;
    if (entry.kind === "subscribed") this.#next = entry.head + 1;
    else if (entry.kind === "reset") this.#reset(entry.head);
    else if (entry.kind === "event" && entry.seq !== undefined) this.#takeEvent(entry, entry.seq);
  }

  /** After the last entry: a viewer that is present has all events. */
  end(isPresent: boolean): void {
    if (!isPresent) return;
    const { head } = this.#topic.log;
    const missing = head - ((this.#next ?? head + 1) - 1);
    if (missing > 0) this.#report("lost", `the last ${missing}, from number ${this.#next}`);
    if (this.#next === undefined && head > 0) this.#report("lost", "never subscribed");
  }

  #takeEvent(event: SeenEvent, seq: number): void {
    this.#counts.delivered++;
    this.#checkContent(event, seq);
    const due = this.#again ?? this.#next;
    const at = `number ${seq} at ${event.at} ms`;
    if (due === undefined) this.#report("phantom", `${at}, before the subscription was active`);
    else if (seq < due && !(this.#again === undefined && this.#mayGoBack?.(seq))) {
      this.#report("duplicate", `${at}, after ${due - 1}`);
      return;
    } else if (seq > due)
      this.#report("lost", `numbers ${due} to ${seq - 1}, noticed at ${event.at} ms`);
    if (this.#next !== undefined && seq < this.#next) {
      this.#counts.repeated++;
      this.#again = seq + 1;
    } else {
      this.#next = seq + 1;
      this.#again = undefined;
      if (this.#form === "plain") this.#seenAt.set(seq, event.at);
    }
    this.#mayGoBack = undefined;
  }

  #checkContent(event: SeenEvent, seq: number): void {
    const logged = this.#topic.log.bySeq.get(seq);
    if (logged === undefined)
      this.#report("phantom", `number ${seq} is not in the log: ${event.content}`);
    else if (logged.content !== event.content && !REMOVED.test(logged.content))
      this.#report(
        "other-content",
        `number ${seq} is ${event.content}, in the log ${logged.content}`,
      );
  }

  #reset(head: number): void {
    const had = (this.#next ?? 1) - 1;
    this.#report("reset", `reset to ${head}, had ${had}`);
    this.#next = head + 1;
    this.#again = undefined;
    this.#mayGoBack = undefined;
  }

  #connect(connection: Connected): void {
    const before = this.#connection;
    this.#connection = connection;
    const isExact =
      before === undefined ||
      before.frontend === connection.frontend ||
      connection.named?.includes(this.#topic.topic) === true;
    // Exact: it continues where that frontend was, also within a repetition.
    if (this.#form !== "plain" || isExact) return;
    const { positions, connected } = this.#faults;
    const cutAt = this.#heardAt;
    const quietMs = connected.wholeMs(cutAt, this.#leftAt);
    const [allowed, repeating] = [this.#mayGoBack, this.#again];
    this.#again = undefined;
    this.#mayGoBack = (seq) => {
      // An earlier move allowed it, and was cut before it arrived.
      if (allowed?.(seq) || (repeating !== undefined && seq >= repeating)) return true;
      const at = this.#seenAt.get(seq) ?? notBefore(this.#topic.sentAt, seq);
      return positions.wholeMs(at, cutAt) + quietMs <= REPEATED_MS_MAX;
    };
  }
}

/**
 * A time, in ms, that is not after the event's commit: when its publisher sent it, or the nearest
 * number before it, which was committed earlier. Ovation's own events have no publisher.
 */
function notBefore(sentAt: ReadonlyMap<number, number>, seq: number): number {
  for (let number = seq; number > 0; number--) {
    const at = sentAt.get(number);
    if (at !== undefined) return at;
  }
  return 0;
}
