/**
 * A node is one incarnation of a process; a place is where such processes run one after the other.
 * Timers of a dead node never fire; those of a frozen one fire when it thaws.
 */

import type { Clock } from "@ovation/protocol";
import type { Timeline } from "./clock.ts";

export type PlaceKind = "frontend" | "dispatcher" | "store" | "log" | "comments" | "viewer";

/** `A/frontend-1` */
export class Place {
  readonly name: string;
  readonly datacenter: string;
  readonly kind: PlaceKind;
  /** The process that runs there now. */
  node: Node | undefined;
  /** The error of the machine's clock, ms: it stays with the machine. */
  skewMs = 0;

  constructor(datacenter: string, kind: PlaceKind, name: string) {
    this.name = `${datacenter}/${name}`;
    this.datacenter = datacenter;
    this.kind = kind;
  }

  get alive(): Node | undefined {
    return this.node?.alive === true ? this.node : undefined;
  }
}

export class Node {
  readonly place: Place;
  alive = true;
  /** Its clock, skewed as its machine's is; timers are not affected when the clock is set. */
  readonly clock: Clock;
  /** A monotonic clock, whatever the machine's clock says. */
  readonly steadyClock: Clock;
  /** Added to the delay of everything that it sends, ms: a busy machine. */
  slowMs = 0;
  /** Pending timers: a leak shows here. */
  timers = 0;

  readonly #timeline: Timeline;
  #frozen = false;
  #backlog: (() => void)[] = [];
  #worked = 0;

  constructor(place: Place, timeline: Timeline) {
    this.place = place;
    this.#timeline = timeline;
    this.clock = {
      now: () => Math.floor(timeline.now + place.skewMs),
      after: (ms, run) => this.after(ms, run),
    };
    this.steadyClock = { now: () => timeline.now, after: this.clock.after };
    place.node = this;
  }

  after(ms: number, run: () => void): () => void {
    let waits = true;
    this.timers++;
    const cancel = this.#timeline.after(ms, () =>
      this.do(() => {
        if (!waits) return;
        waits = false;
        this.timers--;
        run();
      }),
    );
    return () => {
      if (!waits) return;
      waits = false;
      this.timers--;
      cancel();
    };
  }

  /** Runs something in this process: now, when it thaws, or never. */
  do(run: () => void): void {
    if (!this.alive) return;
    if (this.#frozen) this.#backlog.push(run);
    else run();
  }

  /** One turn of the event loop later. */
  soon(run: () => void): void {
    this.#timeline.after(0, () => this.do(run));
  }

  /** SIGSTOP, and SIGCONT after `ms`. */
  freeze(ms: number): void {
    if (this.#frozen) return;
    this.#frozen = true;
    this.#timeline.after(ms, () => this.thaw());
  }

  /** What arrived in between runs now, in order. */
  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const run of backlog) this.#timeline.after(0, () => this.do(run));
    // What arrives at this very moment runs after it, because the timeline keeps the order.
  }

  /** A stopwatch of the time and the process's computing: more on a slow one. */
  elapsed(): number {
    this.#worked += this.slowMs / 4;
    return this.#timeline.now + this.#worked;
  }
}
