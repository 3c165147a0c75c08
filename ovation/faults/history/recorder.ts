/** Writes the history during a run. */

import { SeenEvents } from "./entry-list.ts";
import type {
  History,
  Injected,
  Like,
  LoggedEvent,
  LostAtStop,
  Publish,
  Viewer,
} from "./history.ts";
import { ViewerRecorder } from "./viewer-recorder.ts";

export interface RecordedCounts {
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  readonly deliveries: number;
}

export class Recorder {
  readonly #began = performance.now();
  readonly #publishes: Publish[] = [];
  readonly #faults: Injected[] = [];
  readonly #likes: Like[] = [];
  readonly #lostAtStop: LostAtStop[] = [];
  readonly #viewers: ViewerRecorder[] = [];
  readonly #events = new SeenEvents();
  readonly #counts = { acknowledged: 0, refused: 0, unknown: 0, deliveries: 0 };

  get counts(): RecordedCounts {
    return this.#counts;
  }

  /** ms since the run began. */
  now(): number {
    return Math.round(performance.now() - this.#began);
  }

  publish(publish: Publish): void {
    this.#counts[publish.outcome.kind]++;
    this.#publishes.push(publish);
  }

  viewer(name: string, form: Viewer["form"], topics: readonly string[]): ViewerRecorder {
    const viewer = new ViewerRecorder({
      name,
      form,
      topics,
      events: this.#events,
      now: () => this.now(),
      onDelivery: () => void this.#counts.deliveries++,
    });
    this.#viewers.push(viewer);
    return viewer;
  }

  fault(fault: Injected): void {
    this.#faults.push(fault);
  }

  like(like: Like): void {
    this.#likes.push(like);
  }

  lostAtStop(lost: LostAtStop): void {
    this.#lostAtStop.push(lost);
  }

  history(
    log: ReadonlyMap<string, readonly LoggedEvent[]>,
    { atEnd, counted }: Pick<History, "atEnd" | "counted"> = { atEnd: [], counted: undefined },
  ): History {
    return {
      publishes: this.#publishes,
      faults: this.#faults,
      likes: this.#likes,
      lostAtStop: this.#lostAtStop,
      viewers: this.#viewers.map((viewer) => viewer.read()),
      log,
      atEnd,
      counted,
    };
  }
}
