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

type Action = keyof typeof RATES;

/** The load begins with the returned object, and ends with its `stop`. */
export async function startSoakLoad(target: SoakTarget): Promise<SoakLoad> {
  const load = new SoakLoad(target);
  await load.start();
  return load;
}

export class SoakLoad {
  /** Everything created so far that rows may exist for. */
  readonly made = { durable: 0, guests: 0, notifications: 0 };
  /** Numbers that the watching viewer missed or received out of order, and how many it received. */
  readonly watched = { seen: 0, wrong: 0 };
  /** Unexpected responses, the newest ones. */
  readonly wrong: string[] = [];
  wrongCount = 0;
  requests = 0;
  readonly #target: SoakTarget;
  readonly #guests: string[] = [];
  readonly #written: { readonly video: string; readonly seq: number }[] = [];
  readonly #pending = new Set<Promise<unknown>>();
  readonly #streams: Pick<BenchStream, "close">[] = [];
  #timers: readonly NodeJS.Timeout[] = [];
  #isStopped = false;
  #serial = 0;
  #lastWatched = 0;
  readonly #actions: Readonly<Record<Action, () => Promise<unknown>>> = {
    come: () => this.#visit(),
    comment: () => this.#comment(),
    like: () => this.#like(),
    remove: () => this.#remove(),
    pin: () => this.#pin(),
    guest: () => this.#createGuest(),
    history: () => this.#ask([200], `${this.#videoUrl()}/comments`),
    video: () => this.#ask([200], this.#videoUrl()),
    change: () => this.#changeTopics(pick(this.#target.frontends)),
    live: () => this.#publish(false),
    durable: () => this.#publish(true),
    badToken: () => this.#post([401], `${this.#videoUrl()}/comments`, { text: "x" }, "a.b.c"),
    unknownPath: () => this.#ask([404], `${this.#target.comments}/v1/nothing-here`),
    abortedBody: () => abortBody(this.#target.comments),
  };

  constructor(target: SoakTarget) {
    this.#target = target;
  }

  async start(): Promise<void> {
    const actions = Object.entries(RATES) as [Action, number][];
    // Spread over the second; none waits for another.
    this.#timers = actions.map(([name, rate]) => setInterval(() => this.#begin(name), 1000 / rate));
    for (let index = 0; index < STEADY_VIEWERS; index++) {
      const topic = `video:${VIDEOS[index % VIDEOS.length]}`;
      this.#streams.push(await holdStream(pick(this.#target.frontends), [topic]));
    }
    const watching = await openStream(
      pick(this.#target.frontends),
      [`video:${VIDEOS[0]}`],
      ({ data }) => this.#watch(data),
    );
    this.#streams.push(watching);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const stream of this.#streams) stream.close();
    await Promise.allSettled(this.#pending);
  }

  #begin(name: Action): void {
    const one: Promise<unknown> = this.#actions[name]()
      .catch((error) => this.#note(`${name}: ${error}`))
      .finally(() => this.#pending.delete(one));
    this.#pending.add(one);
  }

  #watch(data: string): void {
    const { seq } = JSON.parse(data) as { readonly seq?: number };
    if (seq === undefined) return;
    this.watched.seen++;
    if (this.#lastWatched !== 0 && seq !== this.#lastWatched + 1) this.watched.wrong++;
    this.#lastWatched = seq;
  }

  #note(what: string): void {
    if (this.#isStopped) return;
    this.wrongCount++;
    this.wrong.push(what);
    if (this.wrong.length > WRONG_KEPT) this.wrong.shift();
  }

  async #ask(
    expected: readonly number[],
    url: string,
    init: RequestInit & { readonly as?: string | undefined } = {},
  ): Promise<Record<string, unknown>> {
    this.requests++;
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
      this.#note(`${asked}: ${response.status} ${text.slice(0, 100)}`);
    return text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {};
  }

  #post(expected: readonly number[], url: string, body: unknown, as?: string) {
    return this.#ask(expected, url, { method: "POST", body: JSON.stringify(body), as });
  }

  #videoUrl(video = pick(VIDEOS)): string {
    return `${this.#target.comments}/v1/videos/${video}`;
  }

  async #visit(): Promise<void> {
    const stream = await holdStream(pick(this.#target.frontends), [`video:${pick(VIDEOS)}`]);
    await Bun.sleep(between(...STAY_MS));
    stream.close();
  }

  async #createGuest(): Promise<void> {
    const name = `Guest ${++this.#serial} ${Math.random().toString(36).slice(2, 8)}`;
    const { token } = await this.#post([201], `${this.#target.comments}/v1/guests`, { name });
    this.made.guests++;
    this.#guests.push(String(token));
    if (this.#guests.length > GUESTS_KEPT) this.#guests.shift();
  }

  async #comment(): Promise<void> {
    if (this.#guests.length === 0) return;
    const video = pick(VIDEOS);
    const serial = ++this.#serial;
    const body = { text: `what is said for the ${serial}th time`, clientId: `soak-${serial}` };
    const url = `${this.#videoUrl(video)}/comments`;
    const { seq } = await this.#post([201], url, body, pick(this.#guests));
    this.made.durable++;
    if (typeof seq !== "number") return;
    this.#written.push({ video, seq });
    if (this.#written.length > COMMENTS_KEPT) this.#written.shift();
  }

  #like(): Promise<unknown> {
    return this.#post([202], `${this.#videoUrl()}/likes`, { kind: "like", count: 2 });
  }

  async #remove(): Promise<void> {
    // An old one: retention may have deleted it.
    const old = this.#written.shift();
    if (old === undefined) return;
    const url = `${this.#videoUrl(old.video)}/comments/${old.seq}`;
    await this.#ask([200, 404, 410], url, { method: "DELETE", as: this.#target.token });
    this.made.durable++;
    this.made.notifications++;
  }

  async #pin(): Promise<void> {
    const latest = this.#written.at(-1);
    if (latest === undefined) return;
    const body = JSON.stringify({ seq: latest.seq });
    const url = `${this.#videoUrl(latest.video)}/pin`;
    await this.#ask([200, 404], url, { method: "PUT", body, as: this.#target.token });
    this.made.durable++;
    this.made.notifications++;
  }

  async #publish(durable: boolean): Promise<void> {
    const id = `soak-${++this.#serial}`;
    const body = {
      topic: `video:${pick(VIDEOS)}`,
      type: "goal",
      data: { id },
      durable,
      ...(durable ? { id } : {}),
    };
    const { dispatcher, token } = this.#target;
    await this.#post([201, 202], `${dispatcher}/v1/publish`, body, token);
    if (durable) this.made.durable++;
  }

  /** Connects with its own topic, changes to another, and disconnects. */
  async #changeTopics(frontend: string): Promise<void> {
    const topic = () => `video:once-${Math.floor(Math.random() * TOPIC_NAMES)}`;
    const abort = new AbortController();
    const query = new URLSearchParams({ topic: topic() });
    const response = await fetch(`${frontend}/v1/events?${query}`, { signal: abort.signal });
    try {
      const connection = await readConnectionId(response);
      if (connection === undefined) return;
      const body = JSON.stringify({ topics: [topic()] });
      const url = `${frontend}/v1/connections/${connection}/subscriptions`;
      await this.#ask([200], url, { method: "PUT", body });
    } finally {
      abort.abort();
    }
  }
}

/** Leaves the stream open. `undefined` where it ends before its first event. */
async function readConnectionId(response: Response): Promise<string | undefined> {
  let text = "";
  const decoder = new TextDecoder();
  // Not `for await`: to leave that loop would cancel the stream.
  const reader = response.body?.getReader();
  for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
    text += decoder.decode(read.value, { stream: true });
    const [, connection] = /"connectionId":"([^"]+)"/.exec(text) ?? [];
    if (connection !== undefined) return connection;
  }
  return undefined;
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
