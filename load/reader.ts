/**
 * Holds one process's connections and checks what they receive.
 *
 * connecting ──head, first event──▶ ready ──lost──▶ waiting ──timer──▶ connecting
 *
 * The reader must cost little, or it measures itself: a chunk that was parsed for another connection is recognised by its
 * bytes, and a connection between two events needs no state but its numbers.
 */
import type { Socket } from "bun";
import type { Batch } from "./batch.ts";
import { parseBatch } from "./batch.ts";
import { ChunkCache } from "./chunk-cache.ts";
import { nowUs } from "./clock.ts";
import { Latency } from "./latency.ts";
import { Ledger, type LedgerCounts } from "./ledger.ts";
import { CONNECTING_MAX, CONNECTIONS_PER_ADDRESS_MAX, RETRY_MS_DEFAULT, RETRY_MS_MAX } from "./limits.ts";
import type { ReaderProgress, ReaderResult, ReaderTask } from "./messages.ts";
import { NeverReaders } from "./never-readers.ts";
import { isLoopback } from "./options.ts";
import { topicName, topicsOf } from "./plan.ts";
import { type Form, ResponseDecoder } from "./response-decoder.ts";
import { targetNamed } from "./targets/mod.ts";
import type { Target } from "./targets/target.ts";

type State = "new" | "connecting" | "ready" | "waiting" | "closed";
type ReaderSocket = Socket<Connection>;

/** One viewer, over all its sockets. */
interface Connection {
  readonly number: number;
  state: State;
  socket: ReaderSocket | undefined;
  /** Present while the stream stands in the middle of something. */
  decoder: ResponseDecoder | undefined;
  form: Form;
  lastId: string | undefined;
  retryMs: number | undefined;
  attempt: number;
  begunUs: number;
  lostUs: number;
  /** Subscribed again after a loss: what was published before came by recovery. 0: never lost. */
  returnedUs: number;
}

const PLAIN: Form = { chunked: false, zstd: false };

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
      this.#connections.push({
        number,
        state: "new",
        socket: undefined,
        decoder: undefined,
        form: PLAIN,
        lastId: undefined,
        retryMs: undefined,
        attempt: 0,
        begunUs: 0,
        lostUs: 0,
        returnedUs: 0,
      });
    }
  }

  get counts(): LedgerCounts {
    return this.#ledger.counts;
  }

  /** Opens the connections, evenly over the ramp; `onReady` is called when all are subscribed. */
  async open(): Promise<void> {
    const { slow, process: block } = this.#task;
    await this.#neverReaders.open(slow, this.#host, this.#port, this.#isNear() ? `127.${1 + block}.0.1` : undefined, (index) =>
      this.#request(index, undefined),
    );
    const rampMs = this.#task.options.ramp * 1000;
    const startedMs = performance.now();
    this.#connectFromUs = nowUs();
    const total = this.#connections.length;
    if (total === 0) this.#onReady();
    const timer = setInterval(() => {
      const due = rampMs === 0 ? total : Math.ceil((total * (performance.now() - startedMs)) / rampMs);
      this.#openUntil(Math.min(due, total));
      if (this.#unopened === total || this.#closing) clearInterval(timer);
    }, 5);
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
    this.#connecting++;
    const options = {
      hostname: this.#host,
      port: this.#port,
      data: connection,
      socket: this.#handlers,
      ...this.#source(connection),
    };
    connection.attempt++;
    // A failure to connect arrives in `connectError`; the promise says the same a second time.
    Bun.connect<Connection>(options).catch(() => undefined);
  }

  /**
   * On this machine every process has addresses of its own, so that ephemeral ports do not run out, and the server's
   * limits by address see many viewers. Bun hands `localAddress` on to the socket, though its types do not list it:
   * `reader.test.ts` holds that.
   */
  #source(connection: Connection): { localAddress?: string } {
    if (!this.#isNear()) return {};
    const block = Math.floor(connection.number / CONNECTIONS_PER_ADDRESS_MAX);
    return { localAddress: `127.${1 + this.#task.process}.${1 + (connection.attempt % 250)}.${1 + block}` };
  }

  #isNear(): boolean {
    return process.platform === "linux" && isLoopback(this.#host) && !this.#host.includes(":");
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
      socket.write(this.#request(connection.number, connection.lastId));
    },
    data: (socket: ReaderSocket, chunk: Buffer): void => this.#receive(socket.data, chunk),
    close: (socket: ReaderSocket): void => {
      this.#connected--;
      this.#lose(socket.data);
    },
    connectError: (socket: ReaderSocket): void => {
      this.#refusals["0"] = (this.#refusals["0"] ?? 0) + 1;
      this.#refused++;
      this.#lose(socket.data);
    },
    error: (socket: ReaderSocket): void => {
      socket.terminate();
    },
  };

  #request(number: number, lastId: string | undefined): string {
    const { options, firstConnection } = this.#task;
    const topics = topicsOf(options, firstConnection + number).map((topic) => topicName(options, topic));
    const lines = [
      `GET ${this.#target.connectPath(topics, options)} HTTP/1.1`,
      `Host: ${this.#host}:${this.#port}`,
      "Accept: text/event-stream",
    ];
    if (options.zstd) lines.push("Accept-Encoding: zstd");
    if (options.connectToken !== undefined) lines.push(`Authorization: Bearer ${options.connectToken}`);
    if (lastId !== undefined) lines.push(`Last-Event-ID: ${lastId}`);
    return `${lines.join("\r\n")}\r\n\r\n`;
  }

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

  #refuse(connection: Connection, status: string): void {
    this.#refusals[status] = (this.#refusals[status] ?? 0) + 1;
    this.#refused++;
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
