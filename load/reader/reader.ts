/**
 * Holds one process's connections and checks what they receive.
 *
 * connecting ──head, first event──▶ ready ──lost──▶ waiting ──timer──▶ connecting
 *
 * The reader must be cheap, or it measures itself: a chunk that was parsed for another connection
 * is recognised by its bytes, a connection between two events needs no state but its numbers, and a
 * read between two events allocates nothing (`sockets-epoll.ts`). `npm run bench -- reader-cost`
 * shows what remains beside the kernel's part.
 */
import type { Batch } from "../batch.ts";
import { parseBatch } from "../batch.ts";
import { nowUs } from "../clock.ts";
import { Latency } from "../latency.ts";
import {
  CONNECTING_MAX,
  RETRY_MS_DEFAULT,
  RETRY_MS_MAX,
  SUBSCRIBE_TIMEOUT_SECONDS,
} from "../limits.ts";
import { Measurement, type Totals } from "../measurement.ts";
import type { ReaderProgress, ReaderResult, ReaderTask } from "../messages.ts";
import { targetNamed } from "../targets/mod.ts";
import type { Target } from "../targets/target.ts";
import { createSockets } from "./choose-sockets.ts";
import { ChunkCache } from "./chunk-cache.ts";
import { type Connection, createConnection, requestText, sourceAddress } from "./connection.ts";
import { Ledger, type LedgerCounts } from "./ledger.ts";
import { NeverReaders } from "./never-readers.ts";
import { ReadingRound } from "./reading-round.ts";
import { ResponseDecoder } from "./response-decoder.ts";
import type { Sockets } from "./sockets.ts";

export interface ReaderHooks {
  /** All connections are subscribed, for the first time. */
  ready(): void;
  /** This machine does not allow the requested run. */
  failed(reason: string): void;
}

/** Errors that a retry cannot fix. The rest may pass, and is counted. */
const HOPELESS: Readonly<Record<string, string>> = {
  EMFILE:
    "this process may open no more files (ulimit -n): raise that, or divide the " +
    "connections by --processes",
  ENFILE: "this machine may open no more files (fs.file-max)",
  EACCES: "this machine's rules forbid the connection",
};

export class Reader {
  readonly #task: ReaderTask;
  readonly #target: Target;
  readonly #host: string;
  readonly #port: number;
  readonly #ledger: Ledger;
  readonly #connections: Connection[] = [];
  readonly #cache = new ChunkCache();
  readonly #sockets: Sockets<Connection>;
  readonly #round = new ReadingRound();
  readonly #second = new Latency();
  readonly #returns = new Latency();
  readonly #recovered = new Latency();
  readonly #connects = new Latency();
  readonly #neverReaders = new NeverReaders();
  readonly #refusals: Record<string, number> = {};
  readonly #hooks: ReaderHooks;
  #watch: ReturnType<typeof setInterval> | undefined;
  #unopened = 0;
  #connecting = 0;
  #connected = 0;
  #ready = 0;
  #bytes = 0;
  #reads = 0;
  #reused = 0;
  #reconnects = 0;
  #refused = 0;
  #connectFromUs = 0;
  #connectToUs = 0;
  #announcedReady = false;
  #closing = false;
  #recordFromUs = Number.POSITIVE_INFINITY;
  readonly #measurement = new Measurement();

  constructor(task: ReaderTask, hooks: ReaderHooks) {
    this.#task = task;
    this.#hooks = hooks;
    this.#target = targetNamed(task.options.target);
    const url = new URL(task.options.url);
    this.#host = url.hostname === "localhost" ? "127.0.0.1" : url.hostname;
    this.#port = url.port === "" ? 80 : Number(url.port);
    this.#sockets = createSockets(this.#host, this.#port, {
      opened: (connection) => this.#opened(connection),
      received: (connection, bytes, length) => this.#receive(connection, bytes, length),
      roundEnded: () => this.#endRound(),
      closed: (connection, failure) => this.#closed(connection, failure),
    });
    this.#ledger = new Ledger(
      task.options,
      task.firstConnection,
      task.connections,
      task.options.durable,
    );
    for (let number = 0; number < task.connections; number++) {
      this.#connections.push(createConnection(number));
    }
  }

  get counts(): LedgerCounts {
    return this.#ledger.counts;
  }

  /** Opens the connections, evenly over the ramp. */
  async open(): Promise<void> {
    const source = sourceAddress(this.#host, this.#task.process, undefined);
    await this.#neverReaders.open(this.#task.slow, this.#host, this.#port, source, (index) =>
      requestText(this.#task, index, undefined),
    );
    const rampMs = this.#task.options.ramp * 1000;
    const startedMs = performance.now();
    this.#connectFromUs = nowUs();
    const total = this.#connections.length;
    if (total === 0) this.#hooks.ready();
    this.#watch = setInterval(() => this.#giveUpSlowOnes(), 1000);
    const timer = setInterval(() => {
      const due =
        rampMs === 0 ? total : Math.ceil((total * (performance.now() - startedMs)) / rampMs);
      this.#openUntil(Math.min(due, total));
      if (this.#unopened === total || this.#closing) clearInterval(timer);
    }, 5);
  }

  #giveUpSlowOnes(): void {
    const oldestUs = nowUs() - SUBSCRIBE_TIMEOUT_SECONDS * 1_000_000;
    for (const connection of this.#connections) {
      if (connection.state === "connecting" && connection.begunUs < oldestUs)
        this.#refuse(connection, "timeout");
    }
  }

  #openUntil(due: number): void {
    while (this.#unopened < due && this.#connecting < CONNECTING_MAX) {
      const connection = this.#connections[this.#unopened++];
      if (connection !== undefined) this.#connect(connection);
    }
  }

  /** Latencies count from events that were due then or later. */
  record(fromUs: number): void {
    this.#recordFromUs = fromUs;
  }

  measure(): void {
    this.#measurement.begin(this.#totals());
  }

  measureEnd(): void {
    this.#measurement.end(this.#totals());
  }

  #totals(): Totals {
    const cpu = process.cpuUsage();
    return {
      cpuUs: cpu.user + cpu.system,
      kernelCpuUs: cpu.system,
      deliveries: this.counts.deliveries,
      reads: this.#reads,
      bytes: this.#bytes,
      reused: this.#reused,
    };
  }

  /** Cuts every connection now; each reconnects after a random part of the spread. */
  cut(spreadMs: number): void {
    for (const connection of this.#connections) {
      if (connection.socket?.opened !== true) continue;
      connection.retryMs = Math.random() * spreadMs;
      connection.socket.terminate();
    }
  }

  progress(): ReaderProgress {
    return {
      connected: this.#connected,
      ready: this.#ready,
      deliveries: this.counts.deliveries,
      bytes: this.#bytes,
      reads: this.#reads,
      reconnects: this.#reconnects,
      refused: this.#refused,
      duplicates: this.counts.duplicates,
      disordered: this.counts.disordered,
      gaps: this.counts.gaps,
    };
  }

  get refusals(): Readonly<Record<string, number>> {
    return this.#refusals;
  }

  /** Latencies since the last call. */
  takeLatency(): string {
    const text = this.#second.encode();
    this.#second.reset();
    return text;
  }

  /** Connections that are not subscribed now. */
  get absent(): number {
    return this.#connections.filter((connection) => connection.state !== "ready").length;
  }

  behind(finals: readonly number[]): number {
    return this.#ledger.behind(finals, (number) => this.#isPresent(number));
  }

  finish(finals: readonly number[]): ReaderResult {
    this.#closing = true;
    const counts = this.#ledger.finish(finals, (number) => this.#isPresent(number));
    const absent = this.absent;
    const result: ReaderResult = {
      counts,
      progress: this.progress(),
      absent,
      ...this.#measurement.measured,
      readsSettled: this.#reads - this.#measurement.start.reads,
      slowClosed: this.#neverReaders.closed(),
      returns: this.#returns.encode(),
      recovered: this.#recovered.encode(),
      connects: this.#connects.encode(),
      connectFromUs: this.#connectFromUs,
      connectToUs: this.#connectToUs,
      refusals: this.#refusals,
    };
    for (const connection of this.#connections) connection.socket?.terminate();
    this.#neverReaders.end();
    this.#sockets.end();
    clearInterval(this.#watch);
    return result;
  }

  #isPresent(number: number): boolean {
    return this.#connections[number]?.state === "ready";
  }

  #connect(connection: Connection): void {
    connection.state = "connecting";
    connection.begunUs = nowUs();
    connection.decoder = new ResponseDecoder();
    connection.answered = false;
    this.#connecting++;
    const source = sourceAddress(this.#host, this.#task.process, connection);
    connection.attempt++;
    connection.socket = this.#sockets.connect(connection, source);
  }

  #opened(connection: Connection): void {
    this.#connected++;
    connection.socket?.write(requestText(this.#task, connection.number, connection.lastId));
  }

  #closed(connection: Connection, failure: string | undefined): void {
    if (connection.socket?.opened === true) this.#connected--;
    if (failure !== undefined) this.#countRefusal(failure);
    this.#lose(connection);
    const hopeless = failure === undefined ? undefined : HOPELESS[failure];
    if (hopeless !== undefined) this.#hooks.failed(`${failure}: ${hopeless}`);
  }

  #receive(connection: Connection, bytes: Buffer, length: number): void {
    this.#reads++;
    this.#bytes += length;
    // Hot path: between two events, bytes equal to another connection's have the same meaning.
    if (connection.decoder === undefined) {
      const known = this.#cache.find(bytes, length);
      if (known !== undefined) {
        this.#reused++;
        this.#take(connection, known);
        return;
      }
    }
    try {
      this.#decode(connection, bytes.subarray(0, length));
    } catch {
      // Whatever the server sends, it is no event stream.
      this.#refuse(connection, "unreadable");
    }
  }

  #endRound(): void {
    if (!this.#round.isEmpty)
      this.#round.record(nowUs(), this.#recordFromUs, this.#second, this.#recovered);
  }

  #decode(connection: Connection, chunk: Buffer): void {
    const wasIdle = connection.decoder === undefined;
    const decoder = connection.decoder ?? ResponseDecoder.resume(connection.form);
    connection.decoder = decoder;
    const hadHead = decoder.status !== 0;
    const events = decoder.push(chunk);
    if (decoder.status === 0) return;
    if (decoder.status !== 200) {
      if (decoder.retryAfterMs !== undefined)
        connection.retryMs = decoder.retryAfterMs + Math.random() * RETRY_MS_DEFAULT;
      this.#refuse(connection, String(decoder.status));
      return;
    }
    if (!hadHead) {
      connection.answered = true;
      connection.form = decoder.form;
      if (this.#target.ready === "head") this.#becomeReady(connection);
    }
    if (events.length > 0) {
      const batch = parseBatch(events, this.#task.run);
      if (wasIdle && decoder.idle) this.#cache.store(chunk, batch);
      this.#take(connection, batch);
    }
    if (decoder.ended) connection.socket?.end();
    if (decoder.idle) connection.decoder = undefined;
  }

  #take(connection: Connection, batch: Batch): void {
    if (connection.state !== "ready" && (batch.others > 0 || batch.events > 0))
      this.#becomeReady(connection);
    if (batch.lastId !== undefined) connection.lastId = batch.lastId;
    if (batch.retryMs !== undefined) connection.retryMs = batch.retryMs;
    this.#ledger.apply(connection.number, batch);
    if (batch.events > 0) this.#round.add(batch, connection.returnedUs);
    if (batch.reconnect) connection.socket?.end();
  }

  #becomeReady(connection: Connection): void {
    if (connection.state !== "connecting") return;
    connection.state = "ready";
    this.#connecting--;
    this.#ready++;
    const now = nowUs();
    if (connection.lostUs > 0) {
      this.#returns.record(now - connection.lostUs);
      this.#reconnects++;
      connection.returnedUs = now;
    } else {
      this.#connects.record(now - connection.begunUs);
      this.#connectToUs = now;
    }
    if (!this.#announcedReady && this.#ready === this.#connections.length) {
      this.#announcedReady = true;
      this.#hooks.ready();
    }
  }

  #countRefusal(status: string): void {
    this.#refusals[status] = (this.#refusals[status] ?? 0) + 1;
    this.#refused++;
  }

  #refuse(connection: Connection, status: string): void {
    this.#countRefusal(status);
    connection.answered = false;
    connection.socket?.terminate();
  }

  #lose(connection: Connection): void {
    const was = connection.state;
    connection.socket = undefined;
    connection.decoder = undefined;
    if (was === "waiting" || was === "closed") return;
    if (was === "ready") {
      this.#ready--;
      connection.lostUs = nowUs();
      this.#ledger.cut(connection.number);
    } else {
      this.#connecting--;
      // [design] Overload and drain answer 200, a random `retry:` and a clean end.
      if (connection.answered) this.#countRefusal("200");
    }
    if (this.#closing) {
      connection.state = "closed";
      return;
    }
    connection.state = "waiting";
    const waitMs = Math.min(connection.retryMs ?? Math.random() * RETRY_MS_DEFAULT, RETRY_MS_MAX);
    connection.retryMs = undefined;
    setTimeout(() => this.#return(connection), waitMs);
  }

  #return(connection: Connection): void {
    if (this.#closing) return;
    if (this.#connecting < CONNECTING_MAX) this.#connect(connection);
    else setTimeout(() => this.#return(connection), 5);
  }
}
