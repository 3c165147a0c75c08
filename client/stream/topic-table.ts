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
import type { ClientEvent } from "../event-types.ts";
import { HOLE_WAIT_MS, PULLS_MAX, REPLAY_WAIT_MS } from "../limits.ts";
import { Sequence } from "./sequence.ts";

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

type DurableEvent = readonly [event: ClientEvent, epoch: Epoch];

interface Wanted {
  readonly sequence: Sequence<DurableEvent>;
  /** The server has it on the current connection. */
  active: boolean;
  /** The server is replaying missed events. */
  replaying: boolean;
  /** Pulls since the last new event. */
  pulls: number;
  /** The largest like totals so far: another frontend may have fewer for a moment. */
  readonly totals: Record<string, number>;
  cancelWait: (() => void) | undefined;
}

export class TopicTable {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #sink: TopicSink;
  readonly #pull: () => void;
  readonly #wanted = new Map<Topic, Wanted>();
  #wasConnected = false;

  /** `pull` is called where events stay missing: reconnect from before them. */
  constructor(clock: Clock, random: () => number, sink: TopicSink, pull: () => void) {
    this.#clock = clock;
    this.#random = random;
    this.#sink = sink;
    this.#pull = pull;
  }

  get topics(): readonly Topic[] {
    return [...this.#wanted.keys()];
  }

  /** Topics that the current connection does not have yet. */
  get inactive(): readonly Topic[] {
    return [...this.#wanted].filter(([, { active }]) => !active).map(([topic]) => topic);
  }

  has(topic: Topic): boolean {
    return this.#wanted.has(topic);
  }

  /** With a position, resumes from there; an existing topic is set back to it. */
  add(topic: Topic, from?: TopicPosition): void {
    this.#wanted.get(topic)?.cancelWait?.();
    this.#wanted.set(topic, {
      sequence: new Sequence(from),
      active: false,
      replaying: false,
      pulls: 0,
      totals: {},
      cancelWait: undefined,
    });
  }

  remove(topic: Topic): void {
    this.#wanted.get(topic)?.cancelWait?.();
    this.#wanted.delete(topic);
  }

  /** The topic's position; undefined before its first head. */
  standing(
    topic: Topic,
  ): { readonly seq: number; readonly position: TopicPosition | undefined } | undefined {
    const { seq, position } = this.#wanted.get(topic)?.sequence ?? {};
    return seq === undefined ? undefined : { seq, position };
  }

  /**
   * The positions of all topics in one text; undefined before the first connection. One that names
   * no topic still marks a return: the server then waits for events that this client may already
   * have.
   */
  formatPositions(): string | undefined {
    const known: [Topic, TopicPosition][] = [];
    for (const [topic, { sequence }] of this.#wanted)
      if (sequence.position !== undefined) known.push([topic, sequence.position]);
    return known.length === 0 && !this.#wasConnected ? undefined : formatPosition(known);
  }

  /** The positions are not accepted: every topic starts over, with a reset. */
  forgetPositions(): void {
    for (const { sequence } of this.#wanted.values())
      if (sequence.seq !== undefined) sequence.start(-1, "");
  }

  /** The connection is closed. */
  disconnected(): void {
    for (const wanted of this.#wanted.values()) {
      wanted.active = false;
      // The head of the next connection may be of a log that has lost what is held.
      if (wanted.sequence.seq === undefined) wanted.sequence.resume();
      wanted.cancelWait?.();
      wanted.cancelWait = undefined;
    }
  }

  /** A new connection's first event. `id` has the epochs. */
  opened(answers: Readonly<Record<string, TopicAnswer>>, id: string): void {
    this.#wasConnected = true;
    for (const topic of this.#wanted.keys()) {
      const answer = Object.hasOwn(answers, topic) ? answers[topic] : undefined;
      if (answer !== undefined) this.answered(topic, answer, positionIn(id, topic));
    }
  }

  /**
   * The server's response to a subscription, or to a request for its head. `listed` is the position
   * in the response: later events will be sent, even below the head.
   */
  answered(topic: Topic, answer: TopicAnswer, listed?: TopicPosition): void {
    const wanted = this.#wanted.get(topic);
    if (wanted === undefined) return;
    const { head, epoch = "", recovered, error } = answer;
    if (head === undefined) {
      this.remove(topic);
      this.#sink.onRefused(topic, error ?? "refused");
      return;
    }
    const from = listed !== undefined && listed.seq <= head ? listed : { seq: head, epoch };
    const { sequence, active } = wanted;
    const { seq, position } = sequence;
    wanted.active = true;
    if (seq === undefined) {
      const due = sequence.start(from.seq, from.epoch);
      sequence.announce(head);
      this.#sink.onSubscribed(topic, from.seq, from.epoch);
      this.#deliver(due);
    } else if (!active && (recovered === false || (position === undefined && seq !== head))) {
      // Lost, or never recoverable: the server got no position that it could resume from.
      this.#restart(topic, wanted, from, head);
      return;
    } else {
      if (!active) {
        wanted.replaying = true;
        sequence.resume();
        this.#sink.onSubscribed(topic, seq, position?.epoch ?? "");
      }
      sequence.announce(head);
    }
    this.#watch(topic, wanted);
  }

  /** Everything before `head` is lost. */
  reset(topic: Topic, head: number, epoch: Epoch): void {
    const wanted = this.#wanted.get(topic);
    if (wanted !== undefined) this.#restart(topic, wanted, { seq: head, epoch });
  }

  receive(type: string, envelope: ClientEvent, id: string): void {
    const topic = envelope.topic as Topic;
    const wanted = this.#wanted.get(topic);
    if (wanted === undefined) return;
    const { seq, at, data } = envelope;
    const event: ClientEvent = { topic, type, ...(seq !== undefined && { seq }), at, data };
    if (seq === undefined) {
      this.#receiveLive(topic, wanted, event);
      return;
    }
    const listed = positionIn(id, topic);
    const epoch = listed?.seq === seq ? listed.epoch : "";
    const due = wanted.sequence.accept(seq, epoch, [event, epoch]);
    this.#deliver(due);
    this.#watch(topic, wanted, due.length > 0);
  }

  #receiveLive(topic: Topic, wanted: Wanted, event: ClientEvent): void {
    const { type, data } = event;
    this.#sink.onEvent(
      type === "likes" ? { ...event, data: raiseTotals(data, wanted.totals) } : event,
      "",
    );
    if (type !== "stats") return;
    const { head } = (data ?? {}) as { readonly head?: Json };
    if (typeof head !== "number") return;
    wanted.sequence.announce(head);
    this.#watch(topic, wanted);
  }

  #deliver(due: readonly DurableEvent[]): void {
    for (const [event, epoch] of due) this.#sink.onEvent(event, epoch);
  }

  /** Starts, renews or ends the wait for missing events. */
  #watch(topic: Topic, wanted: Wanted, progress = false): void {
    // A callback may have unsubscribed in between.
    if (this.#wanted.get(topic) !== wanted) return;
    if (progress) wanted.pulls = 0;
    const waits = wanted.active && wanted.sequence.behind;
    if (!waits) wanted.replaying = false;
    if (progress || !waits) {
      wanted.cancelWait?.();
      wanted.cancelWait = undefined;
    }
    if (!waits) return;
    const waitMs = wanted.replaying ? REPLAY_WAIT_MS : HOLE_WAIT_MS;
    wanted.cancelWait ??= this.#clock.after(waitMs * (1 + this.#random() / 4), () => {
      wanted.cancelWait = undefined;
      if (++wanted.pulls <= PULLS_MAX) {
        this.#pull();
        return;
      }
      // The server keeps reporting that it sent everything: the missing events are unavailable.
      wanted.pulls = 0;
      this.#restart(topic, wanted, { seq: wanted.sequence.head, epoch: "" });
    });
  }

  /** Gives up everything before `from`, and reports it. */
  #restart(topic: Topic, wanted: Wanted, { seq, epoch }: TopicPosition, head = seq): void {
    wanted.sequence.start(seq, epoch);
    wanted.sequence.announce(head);
    this.#sink.onReset(topic, seq, epoch);
    this.#watch(topic, wanted);
  }
}

/** The data of `likes` with no total below an earlier one; updates `totals`. */
function raiseTotals(data: Json, totals: Record<string, number>): Json {
  const { total } = (data ?? {}) as { readonly total?: Json };
  if (typeof total !== "object") return data;
  for (const [kind, n] of Object.entries(total ?? {}))
    if (typeof n === "number") totals[kind] = Math.max(n, totals[kind] ?? 0);
  return { ...(data as object), total: { ...total, ...totals } };
}
