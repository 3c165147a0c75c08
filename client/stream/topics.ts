/**
 * The topics that the application wants, each with its sequence: a connection's events go in, the
 * callbacks' events come out. It also detects events that stay missing.
 */

import {
  type Clock,
  type Epoch,
  formatPosition,
  type Json,
  positionIn,
  type Topic,
  type TopicPosition,
} from "@ovation/protocol";
import { HOLE_WAIT_MS, PULLS_MAX, REPLAY_WAIT_MS } from "../limits.ts";
import type { ClientEvent } from "../types.ts";
import { createSequence, type Sequence } from "./sequence.ts";

/** Receives a stream's output. Callbacks come in the order of the stream. */
export interface TopicSink {
  /** `epoch` is the log epoch of a durable event; empty for live ones. */
  onEvent(event: ClientEvent, epoch: Epoch): void;
  onSubscribed(topic: Topic, head: number, epoch: Epoch): void;
  onReset(topic: Topic, head: number, epoch: Epoch): void;
  onRefused(topic: Topic, code: string): void;
}

/** The server's report of one topic: in its first event, and in the response to a change. */
export interface TopicAnswer {
  readonly head?: number;
  readonly epoch?: Epoch;
  readonly recovered?: boolean;
  /** Why it was refused. */
  readonly error?: string;
}

interface Wanted {
  sequence: Sequence<readonly [ClientEvent, Epoch]>;
  /** The server has it on the current connection. */
  active: boolean;
  /** The server is replaying missed events. */
  replaying: boolean;
  /** Pulls since the last new event. */
  pulls: number;
  /** The largest like totals so far: another frontend may have fewer for a moment. */
  totals: Record<string, number>;
  cancelWait: (() => void) | undefined;
}

export interface TopicTable {
  readonly topics: readonly Topic[];
  /** Topics that the current connection does not have yet. */
  readonly inactive: readonly Topic[];
  has(topic: Topic): boolean;
  /** With a position, resumes from there; an existing topic is set back to it. */
  add(topic: Topic, from?: TopicPosition): void;
  remove(topic: Topic): void;
  /** The topic's position; undefined before its first head. */
  standing(
    topic: Topic,
  ): { readonly seq: number; readonly position: TopicPosition | undefined } | undefined;
  /**
   * The positions of all topics in one text; undefined before the first connection. One that names
   * no topic still marks a return: the server then waits for events that this client may already
   * have.
   */
  formatPositions(): string | undefined;
  /** The positions are not accepted: every topic starts over, with a reset. */
  forgetPositions(): void;
  /** The connection is closed. */
  disconnected(): void;
  /** A new connection's first event. `id` has the epochs. */
  opened(answers: Readonly<Record<string, TopicAnswer>>, id: string): void;
  /** The server's response to a subscription, or to a request for its head. */
  answered(topic: Topic, answer: TopicAnswer): void;
  /** Everything before `head` is lost. */
  reset(topic: Topic, head: number, epoch: Epoch): void;
  receive(type: string, envelope: ClientEvent, id: string): void;
}

export function createTopicTable(
  clock: Clock,
  random: () => number,
  sink: TopicSink,
  pull: () => void,
): TopicTable {
  const table = new Map<Topic, Wanted>();
  let wasConnected = false;

  function deliver(due: readonly (readonly [ClientEvent, Epoch])[]): void {
    for (const [event, epoch] of due) sink.onEvent(event, epoch);
  }

  /** Starts, renews or ends the wait for missing events. */
  function watch(topic: Topic, wanted: Wanted, progress = false): void {
    // A callback may have unsubscribed in between.
    if (table.get(topic) !== wanted) return;
    if (progress) wanted.pulls = 0;
    const waits = wanted.active && wanted.sequence.behind;
    if (!waits) wanted.replaying = false;
    if (wanted.cancelWait !== undefined && (progress || !waits)) {
      wanted.cancelWait();
      wanted.cancelWait = undefined;
    }
    if (!waits) return;
    wanted.cancelWait ??= clock.after(
      (wanted.replaying ? REPLAY_WAIT_MS : HOLE_WAIT_MS) * (1 + random() / 4),
      () => {
        wanted.cancelWait = undefined;
        if (++wanted.pulls <= PULLS_MAX) {
          pull();
          return;
        }
        // The server keeps reporting that it sent everything: the missing events are unavailable.
        wanted.pulls = 0;
        restart(topic, wanted, wanted.sequence.head, "");
      },
    );
  }

  /** Gives up everything before `seq`, and reports it. */
  function restart(topic: Topic, wanted: Wanted, seq: number, epoch: Epoch, head = seq): void {
    wanted.sequence.start(seq, epoch);
    wanted.sequence.announce(head);
    sink.onReset(topic, seq, epoch);
    watch(topic, wanted);
  }

  /** `listed` is the position in the response: later events will be sent, even below `head`. */
  function answered(topic: Topic, answer: TopicAnswer, listed?: TopicPosition): void {
    const wanted = table.get(topic);
    if (wanted === undefined) return;
    const { head, epoch = "", recovered, error } = answer;
    if (head === undefined) {
      table.delete(topic);
      wanted.cancelWait?.();
      sink.onRefused(topic, error ?? "refused");
      return;
    }
    const from = listed !== undefined && listed.seq <= head ? listed : { seq: head, epoch };
    const { sequence } = wanted;
    const wasActive = wanted.active;
    wanted.active = true;
    if (sequence.seq === undefined) {
      const due = sequence.start(from.seq, from.epoch);
      sequence.announce(head);
      sink.onSubscribed(topic, from.seq, from.epoch);
      deliver(due);
    } else if (
      !wasActive &&
      (recovered === false || (sequence.position === undefined && sequence.seq !== head))
    ) {
      // Lost, or never recoverable: the server got no position that it could resume from.
      restart(topic, wanted, from.seq, from.epoch, head);
      return;
    } else {
      if (!wasActive) {
        wanted.replaying = true;
        sequence.resume();
        sink.onSubscribed(topic, sequence.seq, sequence.position?.epoch ?? "");
      }
      sequence.announce(head);
    }
    watch(topic, wanted);
  }

  return {
    get topics() {
      return [...table.keys()];
    },
    get inactive() {
      return [...table].filter(([, wanted]) => !wanted.active).map(([topic]) => topic);
    },
    has: (topic) => table.has(topic),
    add(topic, from) {
      table.get(topic)?.cancelWait?.();
      table.set(topic, {
        sequence: createSequence(from),
        active: false,
        replaying: false,
        pulls: 0,
        totals: {},
        cancelWait: undefined,
      });
    },
    remove(topic) {
      table.get(topic)?.cancelWait?.();
      table.delete(topic);
    },
    standing(topic) {
      const sequence = table.get(topic)?.sequence;
      return sequence?.seq === undefined
        ? undefined
        : { seq: sequence.seq, position: sequence.position };
    },
    formatPositions() {
      const known: [Topic, TopicPosition][] = [];
      for (const [topic, { sequence }] of table)
        if (sequence.position !== undefined) known.push([topic, sequence.position]);
      return known.length === 0 && !wasConnected ? undefined : formatPosition(known);
    },
    forgetPositions() {
      for (const { sequence } of table.values())
        if (sequence.seq !== undefined) sequence.start(-1, "");
    },
    disconnected() {
      for (const wanted of table.values()) {
        wanted.active = false;
        wanted.cancelWait?.();
        wanted.cancelWait = undefined;
      }
    },
    opened(answers, id) {
      wasConnected = true;
      for (const topic of table.keys()) {
        const answer = Object.hasOwn(answers, topic) ? answers[topic] : undefined;
        if (answer === undefined) continue;
        answered(topic, answer, positionIn(id, topic));
      }
    },
    answered: (topic, answer) => answered(topic, answer),
    reset(topic, head, epoch) {
      const wanted = table.get(topic);
      if (wanted !== undefined) restart(topic, wanted, head, epoch);
    },
    receive(type, envelope, id) {
      const topic = envelope.topic as Topic;
      const wanted = table.get(topic);
      if (wanted === undefined) return;
      const { seq, at, data } = envelope;
      const event: ClientEvent = { topic, type, ...(seq !== undefined && { seq }), at, data };
      if (seq === undefined) {
        sink.onEvent(type === "likes" ? { ...event, data: raise(data, wanted.totals) } : event, "");
        const head =
          type === "stats"
            ? (data as { readonly [key: string]: Json } | null)?.["head"]
            : undefined;
        if (typeof head !== "number") return;
        wanted.sequence.announce(head);
        watch(topic, wanted);
        return;
      }
      const mark = positionIn(id, topic);
      const epoch = mark?.seq === seq ? mark.epoch : "";
      const due = wanted.sequence.accept(seq, epoch, [event, epoch]);
      deliver(due);
      watch(topic, wanted, due.length > 0);
    },
  };
}

/** The data of `likes` with no total below an earlier one; updates `totals`. */
function raise(data: Json, totals: Record<string, number>): Json {
  const { total } = (data ?? {}) as { readonly total?: Json };
  if (typeof total !== "object") return data;
  for (const [kind, n] of Object.entries(total ?? {}))
    if (typeof n === "number") totals[kind] = Math.max(n, totals[kind] ?? 0);
  return { ...(data as object), total: { ...total, ...totals } };
}
