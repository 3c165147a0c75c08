/**
 * Clients that post one request at a time, each on its own connection, and wait for the response
 * (closed loop); or at a fixed rate over all (open loop). A separate process, so that it does not
 * share a thread with what it measures.
 *
 *     bun load/harness/post-clients.ts '{"urls":[…],"path":"/v1/publish","token":"…",
 *       "clients":64,"seconds":5,"form":"comment"}'
 *
 * Prints one line of JSON: {@link PostResult}.
 */
import { fileURLToPath } from "node:url";

export interface PostTask {
  /** Clients are spread over these servers. */
  readonly urls: readonly string[];
  readonly path: string;
  readonly token: string;
  readonly clients: number;
  readonly seconds: number;
  /**
   * `comment`: a body of the comments API; `event`: of `POST /v1/publish`, `batch` events in one
   * body, `topics` round robin.
   */
  readonly form: "comment" | "event";
  readonly topics?: readonly string[];
  readonly batch?: number;
  /** Each client has its own topic, by its number, instead of round robin. */
  readonly ownTopics?: boolean;
  /** Requests a second over all clients; without it, as fast as they are answered. */
  readonly rate?: number;
}

export interface PostResult {
  readonly answers: number;
  readonly refused: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export async function runPostClients(task: PostTask): Promise<PostResult> {
  const child = Bun.spawn(
    [process.execPath, fileURLToPath(import.meta.url), JSON.stringify(task)],
    { stdout: "pipe", stderr: "inherit" },
  );
  return JSON.parse(await new Response(child.stdout).text()) as PostResult;
}

interface Writable {
  write(bytes: Buffer): number;
  end(): void;
}

async function post(task: PostTask): Promise<PostResult> {
  const run: Run = { task, delays: [], refused: 0, startedAt: performance.now() };
  await Promise.all(
    Array.from({ length: task.clients }, (_, index) => new PostClient(run, index).run()),
  );
  const { delays, refused, startedAt } = run;
  const seconds = (performance.now() - startedAt) / 1000;
  delays.sort((left, right) => left - right);
  const at = (share: number) =>
    delays[Math.min(delays.length - 1, Math.floor(delays.length * share))] ?? 0;
  return {
    answers: delays.length,
    refused,
    seconds,
    perSecond: delays.length / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

/** What the clients of a task share. */
interface Run {
  readonly task: PostTask;
  /** Of each response, ms. */
  readonly delays: number[];
  refused: number;
  readonly startedAt: number;
}

class PostClient {
  readonly #run: Run;
  readonly #index: number;
  /** Bodies of events repeat after this many; those of comments are all different. */
  readonly #period: number;
  readonly #made: Buffer[] = [];
  #sentAt = 0;
  #count = 0;
  #rest = "";
  /** Most responses are the same bytes as the one before. */
  #lastGood = Buffer.alloc(0);

  constructor(run: Run, index: number) {
    this.#run = run;
    this.#index = index;
    this.#period = run.task.form === "event" ? (run.task.topics?.length ?? 1) : 0;
  }

  /** Resolves when its connection is closed. */
  async run(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { urls } = this.#run.task;
    const { hostname, port } = new URL(urls[this.#index % urls.length] ?? "");
    await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        open: (socket) => this.#next(socket),
        data: (socket, chunk) => this.#read(socket, chunk),
        close: () => resolve(),
      },
    });
    await promise;
  }

  #read(socket: Writable, chunk: Buffer): void {
    if (this.#rest === "" && chunk.equals(this.#lastGood)) {
      this.#answered(socket);
      return;
    }
    this.#rest += chunk.toString("latin1");
    const headEnd = this.#rest.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const length = Number(/content-length: ([0-9]+)/i.exec(this.#rest)?.[1] ?? 0);
    if (this.#rest.length < headEnd + 4 + length) return;
    if (!/^HTTP\/1\.1 20[12]/.test(this.#rest)) this.#run.refused++;
    else if (this.#rest.length === chunk.length) this.#lastGood = Buffer.from(chunk);
    this.#rest = "";
    this.#answered(socket);
  }

  #answered(socket: Writable): void {
    this.#run.delays.push(performance.now() - this.#sentAt);
    this.#next(socket);
  }

  #next(socket: Writable): void {
    const { task, startedAt } = this.#run;
    if (performance.now() >= startedAt + task.seconds * 1000) {
      socket.end();
      return;
    }
    this.#sentAt = this.#dueAt();
    const waitMs = this.#sentAt - performance.now();
    if (waitMs > 1) setTimeout(() => socket.write(this.#request()), waitMs);
    else socket.write(this.#request());
  }

  /** Open loop: latency counts from the moment at which a request was due. */
  #dueAt(): number {
    const { task, startedAt } = this.#run;
    if (task.rate === undefined) return performance.now();
    return startedAt + ((this.#count * task.clients + this.#index) * 1000) / task.rate;
  }

  #request(): Buffer {
    const number = this.#count++;
    if (this.#period === 0) return this.#make(number);
    const made = this.#made[number % this.#period] ?? this.#make(number);
    this.#made[number % this.#period] = made;
    return made;
  }

  #make(number: number): Buffer {
    const { task } = this.#run;
    const body = bodyOf(task, this.#index, number);
    const head =
      `POST ${task.path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ` +
      `${task.token}\r\nContent-Type: application/json`;
    return Buffer.from(`${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`, "latin1");
  }
}

function bodyOf(
  { form, topics = [], batch = 1, ownTopics = false }: PostTask,
  client: number,
  count: number,
): string {
  if (form === "comment")
    return (
      `{"text":"Comment ${count} of client ${client}, as long as most of them ` +
      `are","clientId":"${client}-${count}"}`
    );
  const topicOf = (number: number) => topics[(client + (ownTopics ? 0 : number)) % topics.length];
  const event = (number: number) =>
    `{"topic":"${topicOf(number)}","type":"goal","data":{"text":"a ` +
    `comment of some length, as they are","from":${client}}}`;
  if (batch === 1) return event(count);
  const events = Array.from({ length: batch }, (_, number) => event(count * batch + number));
  return `[${events.join(",")}]`;
}

if (import.meta.main)
  console.log(JSON.stringify(await post(JSON.parse(process.argv[2] ?? "{}") as PostTask)));
