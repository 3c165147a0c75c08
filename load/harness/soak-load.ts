/**
 * The steady load of a soak: viewers that stay, viewers that come and leave, comments of new
 * guests, likes, removals, pins, history, subscription changes, publishing, and malformed requests.
 * The mix of half an hour of a busy site, scaled to two cores.
 */
import { type BenchStream, holdStream, openStream } from "./stream.ts";

export interface SoakTarget {
  readonly frontends: readonly string[];
  readonly dispatcher: string;
  readonly comments: string;
  /** May publish everywhere, and is a host. */
  readonly token: string;
}

export interface SoakLoad {
  /** Everything created so far that rows may exist for. */
  readonly made: {
    readonly durable: number;
    readonly guests: number;
    readonly notifications: number;
  };
  readonly requests: number;
  /** Unexpected responses, the newest ones. */
  readonly wrong: readonly string[];
  readonly wrongCount: number;
  /** Numbers that the watching viewer missed or received out of order, and how many it received. */
  readonly watched: { readonly seen: number; readonly wrong: number };
  stop(): Promise<void>;
}

const VIDEOS = Array.from({ length: 5 }, (_, index) => `soak-${index}`);
const STEADY_VIEWERS = 200;
/** Names of topics that connections change to: a leaked row shows. */
const TOPIC_NAMES = 200_000;
const GUESTS_KEPT = 200;
const COMMENTS_KEPT = 500;
const WRONG_KEPT = 20;
const TIMEOUT_MS = 10_000;
const STAY_MS = [300, 4000] as const;

/** The number of each per second. */
const RATES = {
  come: 10,
  comment: 8,
  like: 20,
  remove: 1,
  pin: 0.3,
  guest: 1,
  history: 3,
  video: 3,
  change: 3,
  live: 5,
  durable: 2,
  badToken: 0.5,
  unknownPath: 0.5,
  abortedBody: 0.5,
} as const;

export async function startSoakLoad({
  frontends,
  dispatcher,
  comments,
  token,
}: SoakTarget): Promise<SoakLoad> {
  const made = { durable: 0, guests: 0, notifications: 0 };
  const watched = { seen: 0, wrong: 0, last: 0 };
  const wrong: string[] = [];
  let [requests, wrongCount, stopped] = [0, 0, false];
  const guests: string[] = [];
  const written: { readonly video: string; readonly seq: number }[] = [];
  const pending = new Set<Promise<unknown>>();
  const streams: Pick<BenchStream, "close">[] = [];

  async function ask(
    expected: readonly number[],
    url: string,
    init: RequestInit & { readonly as?: string | undefined } = {},
  ): Promise<Record<string, unknown>> {
    requests++;
    const { as, ...rest } = init;
    const headers = {
      "content-type": "application/json",
      ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
    };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, { headers, signal, ...rest });
    const text = await response.text();
    const asked = `${rest.method ?? "GET"} ${new URL(url).pathname}`;
    if (!expected.includes(response.status))
      note(`${asked}: ${response.status} ${text.slice(0, 100)}`);
    return text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {};
  }

  const post = (expected: readonly number[], url: string, body: unknown, as?: string) =>
    ask(expected, url, { method: "POST", body: JSON.stringify(body), as });

  function note(what: string): void {
    if (stopped) return;
    wrongCount++;
    wrong.push(what);
    if (wrong.length > WRONG_KEPT) wrong.shift();
  }

  let serial = 0;
  const run: Readonly<Record<keyof typeof RATES, () => Promise<unknown>>> = {
    async come() {
      const stream = await holdStream(pick(frontends), [`video:${pick(VIDEOS)}`]);
      await Bun.sleep(between(...STAY_MS));
      stream.close();
    },
    async guest() {
      const name = `Guest ${++serial} ${Math.random().toString(36).slice(2, 8)}`;
      const { token: own } = await post([201], `${comments}/v1/guests`, { name });
      made.guests++;
      guests.push(String(own));
      if (guests.length > GUESTS_KEPT) guests.shift();
    },
    async comment() {
      if (guests.length === 0) return;
      const video = pick(VIDEOS);
      const body = { text: `what is said for the ${++serial}th time`, clientId: `soak-${serial}` };
      const { seq } = await post(
        ...([[201], `${comments}/v1/videos/${video}/comments`, body, pick(guests)] as const),
      );
      made.durable++;
      if (typeof seq !== "number") return;
      written.push({ video, seq });
      if (written.length > COMMENTS_KEPT) written.shift();
    },
    like: () =>
      post([202], `${comments}/v1/videos/${pick(VIDEOS)}/likes`, { kind: "like", count: 2 }),
    async remove() {
      // An old one: retention may have deleted it.
      const old = written.shift();
      if (old === undefined) return;
      const url = `${comments}/v1/videos/${old.video}/comments/${old.seq}`;
      await ask([200, 404, 410], url, { method: "DELETE", as: token });
      made.durable++;
      made.notifications++;
    },
    async pin() {
      const latest = written.at(-1);
      if (latest === undefined) return;
      const body = JSON.stringify({ seq: latest.seq });
      const url = `${comments}/v1/videos/${latest.video}/pin`;
      await ask([200, 404], url, { method: "PUT", body, as: token });
      made.durable++;
      made.notifications++;
    },
    history: () => ask([200], `${comments}/v1/videos/${pick(VIDEOS)}/comments`),
    video: () => ask([200], `${comments}/v1/videos/${pick(VIDEOS)}`),
    change: () => changeTopics(pick(frontends)),
    live: () => publish(false),
    durable: () => publish(true),
    badToken: () =>
      post([401], `${comments}/v1/videos/${pick(VIDEOS)}/comments`, { text: "x" }, "a.b.c"),
    unknownPath: () => ask([404], `${comments}/v1/nothing-here`),
    abortedBody: () => abortBody(comments),
  };

  async function publish(durable: boolean): Promise<void> {
    const id = `soak-${++serial}`;
    const body = {
      ...{ topic: `video:${pick(VIDEOS)}`, type: "goal", data: { id }, durable },
      ...(durable ? { id } : {}),
    };
    await post([201, 202], `${dispatcher}/v1/publish`, body, token);
    if (durable) made.durable++;
  }

  /** Connects with its own topic, changes to another, and disconnects. */
  async function changeTopics(frontend: string): Promise<void> {
    const topic = () => `video:once-${Math.floor(Math.random() * TOPIC_NAMES)}`;
    const abort = new AbortController();
    const query = new URLSearchParams({ topic: topic() });
    const response = await fetch(`${frontend}/v1/events?${query}`, { signal: abort.signal });
    try {
      let text = "";
      const decoder = new TextDecoder();
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        text += decoder.decode(chunk, { stream: true });
        const [, connection] = /"connectionId":"([^"]+)"/.exec(text) ?? [];
        if (connection === undefined) continue;
        const body = JSON.stringify({ topics: [topic()] });
        const url = `${frontend}/v1/connections/${connection}/subscriptions`;
        await ask([200], url, { method: "PUT", body });
        break;
      }
    } finally {
      abort.abort();
    }
  }

  // Spread over the second; none waits for another.
  const timers = Object.entries(RATES).map(([name, rate]) =>
    setInterval(() => {
      const one = run[name as keyof typeof RATES]()
        .catch((error) => note(`${name}: ${error}`))
        .finally(() => pending.delete(one));
      pending.add(one);
    }, 1000 / rate),
  );
  for (let index = 0; index < STEADY_VIEWERS; index++)
    streams.push(await holdStream(pick(frontends), [`video:${VIDEOS[index % VIDEOS.length]}`]));
  streams.push(
    await openStream(pick(frontends), [`video:${VIDEOS[0]}`], ({ data }) => {
      const { seq } = JSON.parse(data) as { readonly seq?: number };
      if (seq === undefined) return;
      watched.seen++;
      if (watched.last !== 0 && seq !== watched.last + 1) watched.wrong++;
      watched.last = seq;
    }),
  );

  return {
    made,
    wrong,
    watched,
    get requests() {
      return requests;
    },
    get wrongCount() {
      return wrongCount;
    },
    async stop() {
      stopped = true;
      for (const timer of timers) clearInterval(timer);
      for (const stream of streams) stream.close();
      await Promise.allSettled(pending);
    },
  };
}

/** A body that ends too early. */
async function abortBody(url: string): Promise<void> {
  const { hostname, port, host } = new URL(url);
  const head = `POST /v1/guests HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 500\r\n\r\n{"na`;
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: { open: (opened) => void opened.write(head), data: () => undefined },
  });
  await Bun.sleep(100);
  socket.terminate();
}

function between(from: number, to: number): number {
  return from + Math.random() * (to - from);
}

function pick<Item>(items: readonly Item[]): Item {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}
