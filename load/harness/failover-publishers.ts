/**
 * Publishers on a fixed schedule, spread over several dispatchers, that act as a load balancer and
 * a careful backend do when a dispatcher dies: the next request goes to another; a live event
 * without a response is not sent again (it could be duplicated), a durable one is, with the same
 * key. A separate process, so that it does not share a thread with what it measures.
 *
 *     bun load/harness/failover-publishers.ts '{"urls":[…],"token":"…","topics":[…],
 *       "clients":64,"rate":5000,"seconds":10,"durableEvery":11}'
 *
 * Prints one line of JSON: every event and its outcome.
 */
import { fileURLToPath } from "node:url";
import { openPostConnection, type PostConnection } from "./post-connection.ts";

export interface FailoverTask {
  /** Dispatchers; clients are spread over them. */
  readonly urls: readonly string[];
  readonly token: string;
  /** Client by client, round robin. */
  readonly topics: readonly string[];
  readonly clients: number;
  /**
   * Events a second over all clients. Where responses are late, a client sends what is due when it
   * can.
   */
  readonly rate: number;
  readonly seconds: number;
  /**
   * One event in this many is durable. Coprime with `clients`, so that each of them has its share.
   */
  readonly durableEvery: number;
}

/**
 * `unanswered`: the sender does not know whether it was dispatched. `refused`: the server said that
 * it was not.
 */
export type Outcome = "acknowledged" | "unanswered" | "refused";

export interface PublishedEvent {
  /** Client and number: the `data.id` of the event. */
  readonly id: string;
  readonly client: number;
  readonly topic: string;
  readonly durable: boolean;
  /** The dispatcher asked last, as an index of `urls`. */
  readonly dispatcher: number;
  readonly outcome: Outcome;
  /** When the outcome was known, ms since 1970. */
  readonly endedAt: number;
}

/** The log keeps keys for longer than one run. */
const RUN = crypto.randomUUID();
const CONNECT_PAUSE_MS = 20;
const DURABLE_ATTEMPTS_MAX = 200;

export async function runFailoverPublishers(
  task: FailoverTask,
): Promise<readonly PublishedEvent[]> {
  const child = Bun.spawn(
    [process.execPath, fileURLToPath(import.meta.url), JSON.stringify(task)],
    { stdout: "pipe", stderr: "inherit" },
  );
  return JSON.parse(await new Response(child.stdout).text()) as readonly PublishedEvent[];
}

export function wallClock(): number {
  return performance.timeOrigin + performance.now();
}

if (import.meta.main) {
  const task = JSON.parse(process.argv[2] ?? "{}") as FailoverTask;
  const events = await Promise.all(
    Array.from({ length: task.clients }, (_, index) => publishAs(index, task)),
  );
  await Bun.write(Bun.stdout, JSON.stringify(events.flat()));
  process.exit(0);
}

async function publishAs(client: number, task: FailoverTask): Promise<readonly PublishedEvent[]> {
  const { topics, rate, seconds, clients, durableEvery } = task;
  const topic = topics[client % topics.length] ?? "";
  const startedAt = wallClock();
  const endAt = startedAt + seconds * 1000;
  const sender = createSender(client % task.urls.length, task);
  const events: PublishedEvent[] = [];
  for (let number = 0; ; number++) {
    const place = number * clients + client;
    const dueAt = startedAt + (place * 1000) / rate;
    if (Math.max(dueAt, wallClock()) >= endAt) break;
    if (dueAt - wallClock() > 1) await Bun.sleep(dueAt - wallClock());
    const id = `${client}-${number}`;
    const durable = place % durableEvery === 0;
    const key = durable ? `,"durable":true,"id":"${RUN} ${id}"` : "";
    const outcome = await sender.send(
      `{"topic":"${topic}","type":"goal","data":{"id":"${id}","text":"some words, as ` +
        `they are"}${key}}`,
      durable,
    );
    events.push({
      id,
      client,
      topic,
      durable,
      dispatcher: sender.dispatcher,
      outcome,
      endedAt: wallClock(),
    });
  }
  sender.close();
  return events;
}

interface Sender {
  readonly dispatcher: number;
  send(body: string, durable: boolean): Promise<Outcome>;
  close(): void;
}

function createSender(first: number, { urls, token }: FailoverTask): Sender {
  let dispatcher = first;
  let connection: PostConnection | undefined;
  const moveOn = () => {
    connection?.close();
    connection = undefined;
    dispatcher = (dispatcher + 1) % urls.length;
  };

  /** To the first that accepts a connection. */
  async function connected(): Promise<PostConnection> {
    while (connection === undefined) {
      connection = await openPostConnection(urls[dispatcher] ?? "", "/v1/publish", token).catch(
        () => undefined,
      );
      if (connection !== undefined) break;
      moveOn();
      await Bun.sleep(CONNECT_PAUSE_MS);
    }
    return connection;
  }

  async function attempt(body: string): Promise<Outcome> {
    try {
      const status = await (await connected()).post(body);
      return status === 201 || status === 202 ? "acknowledged" : "refused";
    } catch {
      return "unanswered";
    }
  }

  return {
    get dispatcher() {
      return dispatcher;
    },
    async send(body, durable) {
      for (let attempts = 1; ; attempts++) {
        if (connection?.closed === true) moveOn();
        const outcome = await attempt(body);
        if (outcome === "acknowledged" || !durable || attempts === DURABLE_ATTEMPTS_MAX)
          return outcome;
        moveOn();
        await Bun.sleep(CONNECT_PAUSE_MS);
      }
    },
    close: () => connection?.close(),
  };
}
