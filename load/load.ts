/** One run: processes, phases, and the report at the end. */
import { type Child, startChild } from "./child.ts";
import { nowUs } from "./clock.ts";
import { Latency } from "./latency.ts";
import { CONNECT_TIMEOUT_SECONDS, LISTEN_TIMEOUT_SECONDS } from "./limits.ts";
import type {
  PublisherCommand,
  PublisherMessage,
  PublisherResult,
  ReaderCommand,
  ReaderMessage,
  ReaderProgress,
  ReaderResult,
} from "./messages.ts";
import { completeOptions, LoadError, type LoadOptions } from "./options.ts";
import { formatRefusals, type LoadReport, type SecondSample } from "./report.ts";
import { buildReport, sumByKey } from "./summary.ts";

/**
 * starting → connecting → connected → warming → measuring → settling → settled → done
 *
 * Each is announced once, in this order; `warming` also where the warm-up has no length.
 */
export type Phase =
  | "starting"
  | "connecting"
  | "connected"
  | "warming"
  | "measuring"
  | "settling"
  | "settled"
  | "done";

export interface LoadHooks {
  /** Awaited, so that the caller can measure the server between two phases. */
  onPhase?(phase: Phase): void | Promise<void>;
  /** Once a second while connections are open. */
  onProgress?(progress: LiveProgress): void;
  /** Ends the run early: publishing stops, and published events are still checked. */
  readonly signal?: AbortSignal;
}

export interface LiveProgress {
  readonly phase: Phase;
  readonly connected: number;
  readonly ready: number;
  readonly deliveriesPerSecond: number;
  readonly latest: SecondSample | undefined;
  readonly duplicates: number;
  readonly disordered: number;
  readonly gaps: number;
  readonly reconnects: number;
  readonly refused: number;
}

type ReaderChild = Child<ReaderCommand, ReaderMessage>;
type PublisherChild = Child<PublisherCommand, PublisherMessage>;

/** Seconds as several processes report them, by when they were measured. */
interface SecondSum {
  deliveries: number;
  bytes: number;
  connected: number;
  published: number;
  readonly latency: Latency;
}

const COMPARE_EVERY_MS = 100;
/** Between "publish" and the first event: time for the command to arrive. */
const LEAD_US = 200_000;

/**
 * Runs a load and resolves with its result; a server that loses events is a result, not an error.
 * Throws {@link LoadError} where the options or the server make a run impossible.
 */
export async function runLoad(
  given: Partial<LoadOptions>,
  hooks: LoadHooks = {},
): Promise<LoadReport> {
  const options = completeOptions(given);
  const run = new LoadRun(options, hooks);
  try {
    return await run.run();
  } finally {
    run.end();
  }
}

class LoadRun {
  readonly #options: LoadOptions;
  readonly #hooks: LoadHooks;
  readonly #readers: ReaderChild[] = [];
  #publisher: PublisherChild | undefined;
  #phase: Phase = "starting";
  #originUs = 0;
  readonly #seconds = new Map<number, SecondSum>();
  readonly #latency = new Latency();
  readonly #progress: ReaderProgress[] = [];
  readonly #refusals: ReaderResult["refusals"][] = [];
  #published = 0;
  #fail: (reason: Error) => void = () => undefined;
  readonly #failed: Promise<never>;

  constructor(options: LoadOptions, hooks: LoadHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => undefined);
  }

  async run(): Promise<LoadReport> {
    const options = this.#options;
    const run = Math.floor(Math.random() * 36 ** 6)
      .toString(36)
      .padStart(6, "0");
    const startedAt = new Date().toISOString();
    await this.#enter("starting");
    await this.#startProcesses();

    await this.#enter("connecting");
    this.#tellReaders(run);
    this.#publisher?.say({ do: "start", task: { options, run } });
    await this.#connected();

    await this.#enter("connected");
    // Whole microseconds, as marks carry them: the first event is part of the measurement.
    const fromUs = Math.ceil(nowUs() + LEAD_US);
    const measureUs = fromUs + options.warmup * 1_000_000;
    const untilUs = measureUs + options.duration * 1_000_000;
    this.#originUs = fromUs;
    await this.#enter("warming");
    this.#sayToReaders({ do: "record", fromUs: measureUs });
    const result = this.#publish(fromUs, untilUs);
    this.#abortOnSignal();
    await this.#sleepUntil(measureUs);

    await this.#enter("measuring");
    this.#sayToReaders({ do: "measure" });
    if (options.cutAt !== undefined) this.#cutLater(measureUs + options.cutAt * 1_000_000);
    const published = await this.#orFail(result);
    const measuredSeconds = Math.max(0.001, (nowUs() - measureUs) / 1_000_000);
    await this.#enter("settling");
    this.#sayToReaders({ do: "measure-end" });
    await this.#settle(published.finals);

    await this.#enter("settled");
    const results = await this.#finish(published.finals);
    await this.#enter("done");
    return buildReport({
      options,
      startedAt,
      measuredSeconds,
      results,
      published,
      latency: this.#latency,
      seconds: [...this.#seconds.keys()]
        .sort((a, b) => a - b)
        .map((second) => this.#sample(second)),
    });
  }

  end(): void {
    for (const reader of this.#readers) reader.end();
    this.#publisher?.end();
  }

  async #enter(phase: Phase): Promise<void> {
    this.#phase = phase;
    await this.#hooks.onPhase?.(phase);
  }

  async #startProcesses(): Promise<void> {
    const lost = (reason: string) => this.#fail(new LoadError(reason));
    for (let index = 0; index < this.#options.processes; index++) {
      this.#refusals.push({});
      const onMessage = (message: ReaderMessage) => this.#fromReader(index, message);
      this.#readers.push(
        startChild<ReaderCommand, ReaderMessage>("./reader/reader-process.ts", {
          onMessage,
          onLost: lost,
        }),
      );
    }
    const publisher = startChild<PublisherCommand, PublisherMessage>("./publisher-process.ts", {
      onMessage: (message) => this.#fromPublisher(message),
      onLost: lost,
    });
    this.#publisher = publisher;
    await this.#orFail(
      Promise.all([publisher.next("up"), ...this.#readers.map((reader) => reader.next("up"))]),
    );
  }

  #sayToReaders(command: ReaderCommand): void {
    for (const reader of this.#readers) reader.say(command);
  }

  #tellReaders(run: string): void {
    const { connections, slow, processes } = this.#options;
    let firstConnection = 0;
    let firstSlow = 0;
    this.#readers.forEach((reader, index) => {
      const connectionsEnd = Math.floor((connections * (index + 1)) / processes);
      const slowEnd = Math.floor((slow * (index + 1)) / processes);
      reader.say({
        do: "start",
        task: {
          options: this.#options,
          run,
          process: index,
          firstConnection,
          connections: connectionsEnd - firstConnection,
          slow: slowEnd - firstSlow,
        },
      });
      firstConnection = connectionsEnd;
      firstSlow = slowEnd;
    });
  }

  async #connected(): Promise<void> {
    const ready = this.#orFail(Promise.all(this.#readers.map((reader) => reader.next("ready"))));
    const limitMs = (CONNECT_TIMEOUT_SECONDS + this.#options.ramp) * 1000;
    const total = this.#options.connections;
    const timer = setTimeout(() => {
      const reached =
        `only ${this.#sum("ready")} of ${total} connections were subscribed after ` +
        `${limitMs / 1000} s`;
      this.#fail(
        new LoadError(`${reached}; refused: ${formatRefusals(sumByKey(this.#refusals)) || "none"}`),
      );
    }, limitMs);
    const early = setTimeout(() => {
      const refusals = sumByKey(this.#refusals);
      if (
        this.#sum("ready") + this.#sum("connected") === 0 &&
        refusals["ECONNREFUSED"] !== undefined
      ) {
        this.#fail(
          new LoadError(
            `nothing listens at ${this.#options.url}; refused: ${formatRefusals(refusals)}`,
          ),
        );
      }
    }, LISTEN_TIMEOUT_SECONDS * 1000);
    await ready.finally(() => {
      clearTimeout(timer);
      clearTimeout(early);
    });
  }

  async #publish(fromUs: number, untilUs: number): Promise<PublisherResult> {
    const publisher = this.#publisher;
    if (publisher === undefined) throw new Error("the publisher runs by now");
    publisher.say({ do: "publish", fromUs, untilUs });
    const [message] = await Promise.all([publisher.next("published"), this.#sleepUntil(untilUs)]);
    return message.result;
  }

  #abortOnSignal(): void {
    const stop = () => this.#publisher?.say({ do: "stop" });
    if (this.#hooks.signal?.aborted) stop();
    this.#hooks.signal?.addEventListener("abort", stop, { once: true });
  }

  /** Sleeps until then, or until the run is ended early. */
  async #sleepUntil(us: number): Promise<void> {
    while (nowUs() < us && this.#hooks.signal?.aborted !== true) {
      await this.#orFail(Bun.sleep(Math.min(100, (us - nowUs()) / 1000)));
    }
  }

  #cutLater(atUs: number): void {
    setTimeout(
      () => {
        this.#sayToReaders({ do: "cut", spreadMs: this.#options.cutSpread * 1000 });
      },
      Math.max(0, (atUs - nowUs()) / 1000),
    );
  }

  /**
   * Waits until every connection is back and has the last event, at most `settle` seconds (and the
   * spread of a cut).
   */
  async #settle(finals: readonly number[]): Promise<void> {
    const { settle, cutAt, cutSpread } = this.#options;
    const untilUs = nowUs() + (settle + (cutAt === undefined ? 0 : cutSpread)) * 1_000_000;
    while (nowUs() < untilUs) {
      this.#sayToReaders({ do: "compare", finals });
      const answers = await this.#orFail(
        Promise.all(this.#readers.map((reader) => reader.next("behind"))),
      );
      if (answers.every((answer) => answer.slots === 0 && answer.absent === 0)) return;
      await Bun.sleep(COMPARE_EVERY_MS);
    }
  }

  async #finish(finals: readonly number[]): Promise<readonly ReaderResult[]> {
    this.#sayToReaders({ do: "finish", finals });
    const messages = await this.#orFail(
      Promise.all(this.#readers.map((reader) => reader.next("finished"))),
    );
    return messages.map((message) => message.result);
  }

  #orFail<Value>(promise: Promise<Value>): Promise<Value> {
    return Promise.race([promise, this.#failed]);
  }

  #sum(name: keyof ReaderProgress): number {
    return this.#progress.reduce((sum, progress) => sum + (progress?.[name] ?? 0), 0);
  }

  #fromPublisher(message: PublisherMessage): void {
    if (message.is === "failed") this.#fail(new LoadError(`publishing: ${message.reason}`));
    if (message.is !== "second") return;
    const sum = this.#secondAt(nowUs());
    if (sum !== undefined) sum.published += message.published - this.#published;
    this.#published = message.published;
  }

  #fromReader(index: number, message: ReaderMessage): void {
    if (message.is === "failed") this.#fail(new LoadError(`reading: ${message.reason}`));
    if (message.is !== "second") return;
    const before = this.#progress[index];
    this.#progress[index] = message.progress;
    this.#refusals[index] = message.refusals;
    const latency = Latency.decode(message.latency);
    this.#latency.add(latency);
    const sum = this.#secondAt(message.atUs);
    if (sum !== undefined) {
      sum.deliveries += message.progress.deliveries - (before?.deliveries ?? 0);
      sum.bytes += message.progress.bytes - (before?.bytes ?? 0);
      sum.connected = this.#sum("ready");
      sum.latency.add(latency);
    }
    if (index === this.#readers.length - 1) this.#report();
  }

  #secondAt(us: number): SecondSum | undefined {
    if (this.#originUs === 0 || us < this.#originUs) return undefined;
    const second = Math.floor((us - this.#originUs) / 1_000_000);
    const known = this.#seconds.get(second) ?? {
      deliveries: 0,
      bytes: 0,
      connected: 0,
      published: 0,
      latency: new Latency(),
    };
    this.#seconds.set(second, known);
    return known;
  }

  #sample(second: number): SecondSample {
    const sum = this.#seconds.get(second);
    return {
      second,
      deliveries: sum?.deliveries ?? 0,
      published: sum?.published ?? 0,
      connected: sum?.connected ?? 0,
      bytes: sum?.bytes ?? 0,
      p50Ms: sum?.latency.ms(50) ?? 0,
      p90Ms: sum?.latency.ms(90) ?? 0,
      p99Ms: sum?.latency.ms(99) ?? 0,
      maxMs: sum?.latency.ms(100) ?? 0,
    };
  }

  #report(): void {
    const second = Math.max(-1, ...this.#seconds.keys());
    const latest = second < 0 ? undefined : this.#sample(second);
    this.#hooks.onProgress?.({
      phase: this.#phase,
      connected: this.#sum("connected"),
      ready: this.#sum("ready"),
      deliveriesPerSecond: latest?.deliveries ?? 0,
      latest,
      duplicates: this.#sum("duplicates"),
      disordered: this.#sum("disordered"),
      gaps: this.#sum("gaps"),
      reconnects: this.#sum("reconnects"),
      refused: this.#sum("refused"),
    });
  }
}
