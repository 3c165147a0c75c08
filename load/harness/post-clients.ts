/**
 * Clients that post one request at a time, each on its own connection, and wait for the response
 * (closed loop); or at a fixed rate over all (open loop). A separate process, so that it does not
 * share a thread with what it measures.
 *
 *     bun load/harness/post-clients.ts '{"urls":[…],"path":"/v1/publish","token":"…","clients":64,"seconds":5,"form":"comment"}'
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

if (import.meta.main)
  console.log(JSON.stringify(await post(JSON.parse(process.argv[2] ?? "{}") as PostTask)));

async function post(task: PostTask): Promise<PostResult> {
  const delays: number[] = [];
  let refused = 0;
  const startedAt = performance.now();
  const endAt = startedAt + task.seconds * 1000;
  await Promise.all(Array.from({ length: task.clients }, (_, index) => client(index)));
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

  async function client(index: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { hostname, port } = new URL(task.urls[index % task.urls.length] ?? "");
    let sentAt = 0;
    let count = 0;
    let rest = "";
    /** Bodies of events repeat after this many; those of comments are all different. */
    const period = task.form === "event" ? (task.topics?.length ?? 1) : 0;
    const made: Buffer[] = [];
    /** Most responses are the same bytes as the one before. */
    let lastGood = Buffer.alloc(0);

    function request(): Buffer {
      const number = count++;
      if (period === 0) return make(number);
      made[number % period] ??= make(number);
      return made[number % period] ?? make(number);
    }

    function make(number: number): Buffer {
      const body = bodyOf(task, index, number);
      const head =
        `POST ${task.path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ` +
        `${task.token}\r\nContent-Type: application/json`;
      return Buffer.from(`${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`, "latin1");
    }

    function answered(socket: Writable): void {
      delays.push(performance.now() - sentAt);
      next(socket);
    }

    /** Open loop: latency counts from the moment at which a request was due. */
    function dueAt(): number {
      if (task.rate === undefined) return performance.now();
      return startedAt + ((count * task.clients + index) * 1000) / task.rate;
    }

    function next(socket: Writable): void {
      if (performance.now() >= endAt) {
        socket.end();
        return;
      }
      sentAt = dueAt();
      const waitMs = sentAt - performance.now();
      if (waitMs > 1) setTimeout(() => socket.write(request()), waitMs);
      else socket.write(request());
    }

    await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        open: next,
        data(socket, chunk) {
          if (rest === "" && chunk.equals(lastGood)) {
            answered(socket);
            return;
          }
          rest += chunk.toString("latin1");
          const headEnd = rest.indexOf("\r\n\r\n");
          if (headEnd < 0) return;
          const length = Number(/content-length: ([0-9]+)/i.exec(rest)?.[1] ?? 0);
          if (rest.length < headEnd + 4 + length) return;
          if (!/^HTTP\/1\.1 20[12]/.test(rest)) refused++;
          else if (rest.length === chunk.length) lastGood = Buffer.from(chunk);
          rest = "";
          answered(socket);
        },
        close: () => resolve(),
      },
    });
    await promise;
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
