/**
 * Holds one process's connections and checks what they receive.
 *
 * connecting ──head, first event──▶ ready ──lost──▶ waiting ──timer──▶ connecting
 *
 * The reader must cost little, or it measures itself: a chunk that was parsed for another connection is recognised by its
 * bytes, and a connection between two events needs no state but its numbers.
 */
import type { Batch } from "./batch.ts";
import { parseBatch } from "./batch.ts";
import { ChunkCache } from "./chunk-cache.ts";
import { nowUs } from "./clock.ts";
import { type Connection, createConnection, type ReaderSocket, requestText, sourceAddress } from "./connection.ts";
import { Latency } from "./latency.ts";
import { Ledger, type LedgerCounts } from "./ledger.ts";
import { CONNECTING_MAX, RETRY_MS_DEFAULT, RETRY_MS_MAX, SUBSCRIBE_TIMEOUT_SECONDS } from "./limits.ts";
import type { ReaderProgress, ReaderResult, ReaderTask } from "./messages.ts";
import { NeverReaders } from "./never-readers.ts";
import { ResponseDecoder } from "./response-decoder.ts";
import { targetNamed } from "./targets/mod.ts";
import type { Target } from "./targets/target.ts";

export class Reader {
  readonly #task: ReaderTask;
  readonly #target: Target;
  readonly #host: string;
  readonly #port: number;
  readonly #ledger: Ledger;
  readonly #connections: Connection[] = [];
  readonly #cache = new ChunkCache();
  readonly #second = new Latency();
  readonly #returns = new Latency();
  readonly #recovered = new Latency();
  readonly #connects = new Latency();
  readonly #neverReaders = new NeverReaders();
  readonly #refusals: Record<string, number> = {};
  readonly #onReady: () => void;
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
  #start = { cpuUs: 0, deliveries: 0, reads: 0, bytes: 0, reused: 0 };
  #measured = { cpuUs: 0, deliveries: 0, reads: 0, bytes: 0, reused: 0 };

  constructor(task: ReaderTask, onReady: () => void) {
    this.#task = task;
    this.#onReady = onReady;
    this.#target = targetNamed(task.options.target);
    const url = new URL(task.options.url);
    this.#host = url.hostname === "localhost" ? "127.0.0.1" : url.hostname;
    this.#port = url.port === "" ? 80 : Number(url.port);
    this.#ledger = new Ledger(task.options, task.firstConnection, task.connections, task.options.durable);
    for (let number = 0; number < task.connections; number++) {
      this.#connections.push(createConnection(number));
    }
  }

  get counts(): LedgerCounts {
    return this.#ledger.counts;
  }

  /** Opens the connections, evenly over the ramp; `onReady` is called when all are subscribed. */
  async open(): Promise<void> {
    const source = sourceAddress(this.#host, this.#task.process, undefined);
    await this.#neverReaders.open(this.#task.slow, this.#host, this.#port, source, (index) => requestText(this.#task, index, undefined));
    const rampMs = this.#task.options.ramp * 1000;
    const startedMs = performance.now();
    this.#connectFromUs = nowUs();
    const total = this.#connections.length;
    if (total === 0) this.#onReady();
    setInterval(() => this.#giveUpSlowOnes(), 1000);
    const timer = setInterval(() => {
      const due = rampMs === 0 ? total : Math.ceil((total * (performance.now() - startedMs)) / rampMs);
      this.#openUntil(Math.min(due, total));
      if (this.#unopened === total || this.#closing) clearInterval(timer);
    }, 5);
  }

  #giveUpSlowOnes(): void {
    const oldestUs = nowUs() - SUBSCRIBE_TIMEOUT_SECONDS * 1_000_000;
    for (const connection of this.#connections) {
      if (connection.state === "connecting" && connection.begunUs < oldestUs) this.#refuse(connection, "timeout");
    }
  }

  #openUntil(due: number): void {
    while (this.#unopened < due && this.#connecting < CONNECTING_MAX) {
      const connection = this.#connections[this.#unopened++];
      if (connection !== undefined) this.#connect(connection);
    }
  }

  /** Times events that were due then or later. */
  record(fromUs: number): void {
    this.#recordFromUs = fromUs;
  }

  measure(): void {
    this.#start = this.#totals();
  }

  measureEnd(): void {
    const now = this.#totals();
    this.#measured = {
      cpuUs: now.cpuUs - this.#start.cpuUs,
      deliveries: now.deliveries - this.#start.deliveries,
      reads: now.reads - this.#start.reads,
      bytes: now.bytes - this.#start.bytes,
      reused: now.reused - this.#start.reused,
    };
  }

  #totals(): { cpuUs: number; deliveries: number; reads: number; bytes: number; reused: number } {
    const cpu = process.cpuUsage();
    return {
      cpuUs: cpu.user + cpu.system,
      deliveries: this.counts.deliveries,
      reads: this.#reads,
      bytes: this.#bytes,
      reused: this.#reused,
    };
  }

  /** Cuts every connection now; each comes back after a random part of the spread. */
  cut(spreadMs: number): void {
    for (const connection of this.#connections) {
      if (connection.socket === undefined) continue;
      connection.retryMs = spreadMs;
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
      ...this.#measured,
      readsSettled: this.#reads - this.#start.reads,
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
    const options = {
      hostname: this.#host,
      port: this.#port,
      data: connection,
      socket: this.#handlers,
      ...(source === undefined ? {} : { localAddress: source }),
    };
    connection.attempt++;
    // Bun hands `localAddress` on to the socket, though its types do not list it: `reader.test.ts` holds that.
    // A failure to connect arrives in `connectError`; the promise says the same a second time.
    Bun.connect<Connection>(options).catch(() => undefined);
  }

  readonly #handlers = {
    open: (socket: ReaderSocket): void => {
      const connection = socket.data;
      connection.socket = socket;
      this.#connected++;
      if (this.#closing) {
        socket.terminate();
        return;
      }
      socket.write(requestText(this.#task, connection.number, connection.lastId));
    },
    data: (socket: ReaderSocket, chunk: Buffer): void => this.#receive(socket.data, chunk),
    close: (socket: ReaderSocket): void => {
      this.#connected--;
      this.#lose(socket.data);
    },
    connectError: (socket: ReaderSocket): void => {
      this.#countRefusal("0");
      this.#lose(socket.data);
    },
    error: (socket: ReaderSocket): void => {
      socket.terminate();
    },
  };

  #receive(connection: Connection, chunk: Buffer): void {
    this.#reads++;
    this.#bytes += chunk.length;
    // Hot path: between two events, the same bytes as another connection's mean the same.
    if (connection.decoder === undefined) {
      const known = this.#cache.find(chunk);
      if (known !== undefined) {
        this.#reused++;
        this.#take(connection, known);
        return;
      }
    }
    try {
      this.#decode(connection, chunk);
    } catch {
      // Whatever it is that the server sends, it is no event stream.
      this.#refuse(connection, "unreadable");
    }
  }

  #decode(connection: Connection, chunk: Buffer): void {
    const wasIdle = connection.decoder === undefined;
    const decoder = connection.decoder ?? ResponseDecoder.resume(connection.form);
    connection.decoder = decoder;
    const hadHead = decoder.status !== 0;
    const events = decoder.push(chunk);
    if (decoder.status === 0) return;
    if (decoder.status !== 200) {
      connection.retryMs = decoder.retryAfterMs ?? connection.retryMs;
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
    if (connection.state !== "ready" && (batch.others > 0 || batch.events > 0)) this.#becomeReady(connection);
    if (batch.lastId !== undefined) connection.lastId = batch.lastId;
    if (batch.retryMs !== undefined) connection.retryMs = batch.retryMs;
    this.#ledger.apply(connection.number, batch);
    if (batch.events > 0) {
      const now = nowUs();
      const sent = batch.sentUs;
      for (let index = 0; index < sent.length; index++) {
        const at = sent[index] ?? 0;
        if (at < this.#recordFromUs) continue;
        (at < connection.returnedUs ? this.#recovered : this.#second).record(now - at);
      }
    }
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
      this.#onReady();
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
    const boundMs = Math.min(connection.retryMs ?? RETRY_MS_DEFAULT, RETRY_MS_MAX);
    connection.retryMs = undefined;
    setTimeout(() => this.#return(connection), Math.random() * boundMs);
  }

  #return(connection: Connection): void {
    if (this.#closing) return;
    if (this.#connecting < CONNECTING_MAX) this.#connect(connection);
    else setTimeout(() => this.#return(connection), 5);
  }
}
