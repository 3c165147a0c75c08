/**
 * Connections with many personal topics each, and a publisher of events to random ones of them. A
 * process for each half of the connections (descriptors per process are bounded), started by {@link
 * runHolders}.
 */
import { fileURLToPath } from "node:url";

export interface HoldersTask {
  /** Frontends; connections are spread over them. */
  readonly urls: readonly string[];
  readonly publishUrl: string;
  readonly token: string;
  readonly connections: number;
  readonly topicsPerConnection: number;
  readonly perSecond: number;
  /** Published at the same rate before the measured part: received and counted, not timed. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Everything is subscribed and nothing published yet; seconds it took. */
  whenSubscribed(seconds: number): Promise<void>;
  /** The measured part begins. */
  whenWarm(): void;
  /** The publisher has a response for everything that it published. */
  whenPublished(): void;
}

export interface HolderReport {
  readonly offered: number;
  readonly delivered: number;
  /** Delivered in the measured part. */
  readonly measured: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

type Part = Omit<
  HoldersTask,
  | "whenSubscribed"
  | "whenWarm"
  | "whenPublished"
  | "publishUrl"
  | "perSecond"
  | "warmUpSeconds"
  | "seconds"
> & { readonly firstConnection: number };
interface PartReport {
  readonly delivered: number;
  readonly measured: number;
  readonly delays: readonly number[];
}

const PROCESSES = 2;
const CONNECTING_AT_ONCE = 64;
const ATTEMPTS_MAX = 20;
const RETRY_MS = 100;
const BATCH_EVERY_MS = 5;
const SETTLE_MS = 3000;
/** The property that carries when the event was due. */
const WARMING = "was";
const MEASURED = "due";
/** Delays are kept for one event in this many: enough for a percentile. */
const SAMPLE_EVERY = 7;
/** The text of an event before that property. */
const DATA = '"data":{"';

export async function runHolders(task: HoldersTask): Promise<HolderReport> {
  const startedAt = performance.now();
  const share = Math.ceil(task.connections / PROCESSES);
  const children = Array.from({ length: PROCESSES }, (_, index) => {
    const { urls, token, topicsPerConnection } = task;
    const part: Part = {
      urls,
      token,
      topicsPerConnection,
      connections: share,
      firstConnection: index * share,
    };
    return Bun.spawn([process.execPath, fileURLToPath(import.meta.url), JSON.stringify(part)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
  });
  const readers = children.map((child) => lines(child.stdout));
  for (const reader of readers) await reader.next();
  await task.whenSubscribed((performance.now() - startedAt) / 1000);

  const offered = await publish(task, share * PROCESSES);
  task.whenPublished();
  await Bun.sleep(SETTLE_MS);
  for (const child of children) await child.stdin.end();
  const parts: PartReport[] = [];
  for (const reader of readers)
    parts.push(JSON.parse((await reader.next()).value ?? "{}") as PartReport);
  const delays = parts.flatMap((part) => part.delays).sort((left, right) => left - right);
  const delivered = parts.reduce((sum, part) => sum + part.delivered, 0);
  const at = (quantile: number) =>
    delays[Math.min(delays.length - 1, Math.floor(delays.length * quantile))] ?? Number.NaN;
  const measured = parts.reduce((sum, part) => sum + part.measured, 0);
  return { offered, delivered, measured, p50Ms: at(0.5), p99Ms: at(0.99) };
}

/**
 * On a fixed schedule: what is due leaves in one request, with the moment at which it was due.
 * Returns how many.
 */
async function publish(task: HoldersTask, connections: number): Promise<number> {
  const { publishUrl, token, perSecond, warmUpSeconds, seconds, topicsPerConnection } = task;
  const topics = connections * topicsPerConnection;
  const startedAt = performance.timeOrigin + performance.now();
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const warm = perSecond * warmUpSeconds;
  const all = warm + perSecond * seconds;
  let offered = 0;
  const underWay = new Set<Promise<unknown>>();
  while (offered < all) {
    const now = performance.timeOrigin + performance.now();
    const due = Math.min(all, Math.floor(((now - startedAt) * perSecond) / 1000));
    if (offered < warm && due >= warm) task.whenWarm();
    const events: string[] = [];
    for (; offered < due; offered++) {
      const topic = `member:p${Math.floor(Math.random() * topics)}`;
      const mark = offered < warm ? WARMING : MEASURED;
      const dueAt = (startedAt + (offered * 1000) / perSecond).toFixed(2);
      events.push(`{"topic":"${topic}","type":"ping","data":{"${mark}":${dueAt}}}`);
    }
    if (events.length > 0) {
      const request = fetch(`${publishUrl}/v1/publish`, {
        method: "POST",
        headers,
        body: `[${events.join(",")}]`,
      }).then((answer) => answer.text());
      underWay.add(request);
      void request.finally(() => underWay.delete(request));
    }
    await Bun.sleep(BATCH_EVERY_MS);
  }
  await Promise.all(underWay);
  return offered;
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  return undefined;
}

if (import.meta.main) await hold(JSON.parse(process.argv[2] ?? "{}") as Part);

async function hold(part: Part): Promise<void> {
  const delays: number[] = [];
  let delivered = 0;
  let measured = 0;
  let next = 0;
  const take = (text: string) => {
    for (let at = text.indexOf(DATA); at >= 0; at = text.indexOf(DATA, at + DATA.length)) {
      delivered++;
      const from = at + DATA.length;
      if (!text.startsWith(MEASURED, from) || ++measured % SAMPLE_EVERY !== 0) continue;
      const due = Number.parseFloat(
        text.slice(from + MEASURED.length + 2, from + MEASURED.length + 20),
      );
      delays.push(performance.timeOrigin + performance.now() - due);
    }
  };
  const connectSome = async () => {
    while (next < part.connections)
      await connectPatiently(part, part.firstConnection + next++, take);
  };
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, connectSome));
  console.log("subscribed");
  // Until the parent closes the pipe.
  for await (const _ of Bun.stdin.stream()) break;
  console.log(JSON.stringify({ delivered, measured, delays } satisfies PartReport));
  process.exit(0);
}

/** An overloaded frontend rejects connections, and accepts them a little later. */
async function connectPatiently(
  part: Part,
  index: number,
  take: (text: string) => void,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await connectOne(part, index, take);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS_MAX) throw error;
      await Bun.sleep(attempt * RETRY_MS);
    }
  }
}

/** Resolves at the first event: the subscriptions are in the table then. */
function connectOne(
  { urls, token, topicsPerConnection }: Part,
  index: number,
  take: (text: string) => void,
): Promise<void> {
  const { hostname, port, host } = new URL(urls[index % urls.length] ?? "");
  const names = Array.from(
    { length: topicsPerConnection },
    (_, number) => `topic=member:p${index * topicsPerConnection + number}`,
  );
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let open = false;
  Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      open(socket) {
        socket.write(
          `GET /v1/events?${names.join("&")} HTTP/1.1\r\nHost: ` +
            `${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
        );
      },
      data(_, chunk) {
        const text = chunk.toString("latin1");
        if (open) return take(text);
        if (text.startsWith("HTTP/1.1") && !text.startsWith("HTTP/1.1 200"))
          return reject(new Error(text.slice(0, 300)));
        // Headers, or a heartbeat while the subscriptions are pending.
        if (!text.includes("event: connection")) return;
        open = true;
        resolve();
      },
      close: () => reject(new Error("the connection was closed")),
    },
  }).catch(reject);
  return promise;
}
