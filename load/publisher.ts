/**
 * Publishes on a fixed schedule, whatever the server does (open loop): event k of a publisher is
 * due at `start + k × its share of the rate`, and carries that moment as its time.
 *
 * A publisher has one request in flight, which keeps its events in order. Events that fall due in
 * between leave together in the next request, and their wait is part of their latency.
 */
import { nowUs } from "./clock.ts";
import { Latency } from "./latency.ts";
import { DUE_EVENTS_MAX, PUBLISH_TIMEOUT_MS } from "./limits.ts";
import type { PublisherResult, PublisherTask } from "./messages.ts";
import { streamOf, topicName } from "./plan.ts";
import { fillerText, formatMark } from "./reader/marker.ts";
import { targetNamed } from "./targets/mod.ts";
import type { OutgoingEvent, Target } from "./targets/target.ts";

/** Distinct filler texts, as many as fit into this memory: few would flatter compression. */
const FILLER_BYTES_MAX = 4 * 1024 * 1024;
const FILLERS_MAX = 4096;

export class Publishers {
  readonly #task: PublisherTask;
  readonly #target: Target;
  readonly #finals: number[];
  readonly #fillers: readonly string[];
  readonly #answers = new Latency();
  #published = 0;
  #requests = 0;
  #failed = 0;
  #firstFailure: string | undefined;
  #lateUs = 0;
  #stopped = false;

  constructor(task: PublisherTask) {
    this.#task = task;
    this.#target = targetNamed(task.options.target);
    this.#finals = new Array(task.options.topics * task.options.publishers).fill(0);
    const fillers = Math.max(
      16,
      Math.min(FILLERS_MAX, Math.floor(FILLER_BYTES_MAX / (task.options.size + 1))),
    );
    this.#fillers = Array.from({ length: fillers }, (_, seed) =>
      fillerText(task.options.size, seed + 1),
    );
  }

  get published(): number {
    return this.#published;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Resolves when everything that fell due in the time has a response. */
  async publish(fromUs: number, untilUs: number): Promise<PublisherResult> {
    const { publishers, rate } = this.#task.options;
    if (rate > 0) {
      await Promise.all(
        Array.from({ length: publishers }, (_, publisher) => this.#run(publisher, fromUs, untilUs)),
      );
    }
    return {
      published: this.#published,
      requests: this.#requests,
      failed: this.#failed,
      firstFailure: this.#firstFailure,
      finals: this.#finals,
      answers: this.#answers.encode(),
      lateMs: this.#lateUs / 1000,
    };
  }

  async #run(publisher: number, fromUs: number, untilUs: number): Promise<void> {
    const { options } = this.#task;
    const intervalUs = (options.publishers * 1_000_000) / options.rate;
    const startUs = fromUs + (publisher * intervalUs) / options.publishers;
    const most =
      options.batch === 0
        ? this.#target.eventsPerRequestMax
        : Math.min(options.batch, this.#target.eventsPerRequestMax);
    let next = 0;
    while (!this.#stopped) {
      const now = nowUs();
      const dueUs = startUs + next * intervalUs;
      if (dueUs >= untilUs) return;
      if (dueUs > now) {
        await Bun.sleep(Math.max(0, (dueUs - now) / 1000));
        continue;
      }
      this.#lateUs = Math.max(this.#lateUs, now - dueUs);
      if ((now - dueUs) / intervalUs > DUE_EVENTS_MAX) {
        throw new Error(`the server takes fewer events than --rate: ${DUE_EVENTS_MAX} wait`);
      }
      const events: OutgoingEvent[] = [];
      while (events.length < most) {
        const eventUs = startUs + next * intervalUs;
        if (eventUs > now || eventUs >= untilUs) break;
        events.push(this.#event(publisher, next, eventUs));
        next++;
      }
      await this.#send(events);
    }
  }

  #event(publisher: number, index: number, sentUs: number): OutgoingEvent {
    const { options, run } = this.#task;
    const topic = (index * options.publishers + publisher) % options.topics;
    const stream = streamOf(options, topic, publisher);
    const seq = (this.#finals[stream] ?? 0) + 1;
    this.#finals[stream] = seq;
    return {
      topic: topicName(options, topic),
      mark: formatMark({ run, stream, seq, sentUs }),
      filler: this.#fillers[seq % this.#fillers.length] ?? "",
    };
  }

  async #send(events: readonly OutgoingEvent[]): Promise<void> {
    const request = this.#target.publish(events, this.#task.options);
    const begunUs = nowUs();
    this.#requests++;
    try {
      const response = await fetch(this.#task.options.publishUrl + request.path, {
        method: "POST",
        headers: request.headers,
        body: request.body,
        signal: AbortSignal.timeout(PUBLISH_TIMEOUT_MS),
      });
      const answer = await response.text();
      this.#answers.record(nowUs() - begunUs);
      if (response.ok) this.#published += events.length;
      else this.#fail(events.length, `${response.status} ${answer.slice(0, 200)}`);
    } catch (error) {
      // Whether the server accepted them is unknown: their numbers stay used, and the run reports
      // it.
      this.#fail(events.length, error instanceof Error ? error.message : String(error));
    }
  }

  #fail(events: number, reason: string): void {
    this.#failed += events;
    this.#firstFailure ??= reason;
  }
}
