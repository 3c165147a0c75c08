/**
 * A viewer with a browser's own EventSource and several topics: it remembers one id, the last, and
 * returns with it. It may see an event twice, but misses none.
 */

import { markOf, parsePosition, type Topic } from "@ovation/protocol";
import { LiveChecker } from "./checkers/live-checker.ts";
import type { Cluster } from "./cluster.ts";
import type { Node } from "./node.ts";
import type { Socket } from "./socket.ts";
import { Stream } from "./stream.ts";
import type { World } from "./world.ts";

const RETRY_MS = 1000;

interface Seen {
  /** Everything up to here was received, or is from before the beginning. */
  through: number;
  /** Received events, by number, since the page last loaded a new snapshot. */
  readonly texts: Map<number, string>;
  viewers: number | undefined;
  likes: number;
}

export class EventSourceViewer {
  readonly node: Node;
  readonly topics = new Map<Topic, Seen>();
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #wanted: readonly Topic[];
  readonly #live: LiveChecker;
  #lastEventId = "";
  #retryMs = RETRY_MS;
  #stream: Stream | undefined;
  #connected = false;

  constructor(world: World, cluster: Cluster, node: Node, topics: readonly Topic[]) {
    this.#world = world;
    this.#cluster = cluster;
    this.node = node;
    this.#wanted = topics;
    this.#live = new LiveChecker(world, node.place.name);
    this.#connect();
  }

  get connected(): boolean {
    return this.#connected && this.node.alive;
  }

  get state(): string {
    return this.#connected ? "connected" : "waiting";
  }

  get socket(): Socket | undefined {
    return this.#stream?.socket;
  }

  close(): void {
    this.topics.clear();
    this.#stream?.close();
    this.node.alive = false;
  }

  #connect(): void {
    const { trace, verdict } = this.#world;
    const name = this.node.place.name;
    trace.note(name, () => `connects with ${this.#lastEventId}`);
    const request = {
      topics: this.#wanted,
      identity: undefined,
      header: this.#lastEventId,
      zstd: false,
      unnamed: false,
    };
    this.#stream = new Stream(this.#world, this.#cluster, this.node, request, {
      onMessage: (message) => {
        const before = this.#lastEventId;
        // Browsers keep the id over a connection that ends before it brought one.
        if (message.lastEventId !== "") this.#lastEventId = message.lastEventId;
        const content = JSON.parse(message.data);
        if (message.type === "connection")
          this.#opened(content.topics, message.lastEventId, before);
        else if (message.type !== "reconnect") this.#receive(message.type, content);
      },
      onAlive() {},
      onRetry: (ms) => {
        this.#retryMs = ms;
      },
      onEnd: () => this.#later(),
      onRefused: (problem) => {
        if (problem.code !== "unavailable") verdict.fail("refused", `${name}: ${problem.code}`);
        this.#later();
      },
    });
  }

  #later(): void {
    this.#connected = false;
    this.node.after(this.#retryMs, () => this.#connect());
  }

  #opened(
    answers: Readonly<Record<string, { readonly recovered: boolean }>>,
    id: string,
    before: string,
  ): void {
    const { verdict, truth, trace } = this.#world;
    this.#connected = true;
    const listed = parsePosition(id)?.topics;
    trace.note(this.node.place.name, () => `connected at ${id} after ${before}`);
    for (const topic of this.#wanted) {
      const from = listed?.get(markOf(topic))?.seq ?? 0;
      const seen = this.topics.get(topic);
      if (seen === undefined) {
        if (from > truth.head(topic) && truth.restores === 0)
          verdict.fail(
            "sdk-head",
            `${this.node.place.name} begins ${topic} at ${from}, beyond the log`,
          );
        this.topics.set(topic, {
          through: from,
          texts: new Map(),
          viewers: undefined,
          likes: 0,
        });
      } else if (answers[topic]?.recovered === false) {
        if (truth.first(topic) <= 1 && truth.restores === 0)
          verdict.fail(
            "unjustified-reset",
            `${this.node.place.name} ${topic} not recovered from ${seen.through}`,
          );
        seen.through = from;
        seen.texts.clear();
      } else if (from > seen.through && truth.restores === 0) {
        verdict.fail(
          "incomplete",
          `${this.node.place.name} ${topic}: resumes at ${from} but had ` +
            `${seen.through}, with ${before}`,
        );
      }
    }
  }

  #receive(
    type: string,
    { topic, seq, data }: { readonly topic: Topic; readonly seq?: number; readonly data: unknown },
  ): void {
    const seen = this.topics.get(topic);
    if (seen === undefined) return;
    if (seq !== undefined) this.#keep(topic, seen, seq, JSON.stringify(data));
    if (seq === undefined) {
      this.#live.event(type, data);
      if (type === "stats") seen.viewers = (data as { readonly viewers: number }).viewers;
      else if (type === "likes")
        seen.likes = Math.max(
          seen.likes,
          (data as { readonly total: { readonly like: number } }).total.like,
        );
    } else if (seq > seen.through + 1 && this.#world.truth.restores === 0) {
      this.#world.verdict.fail(
        "incomplete",
        `${this.node.place.name} ${topic}: ${seq} came after ${seen.through}`,
      );
    } else {
      seen.through = Math.max(seen.through, seq);
    }
  }

  /**
   * An event of the log follows others that the viewer has, or the viewer learned that they are
   * lost: otherwise it would drop new events by their numbers from the lost future.
   */
  #keep(topic: Topic, seen: Seen, seq: number, text: string): void {
    const { truth, verdict } = this.#world;
    if (truth.dataOf(topic, seq) === text && truth.restores > 0) {
      for (const [number, kept] of seen.texts) {
        const stored = truth.dataOf(topic, number);
        if (number <= seq && kept !== stored && number >= truth.first(topic))
          verdict.fail(
            "lost-future",
            `${this.node.place.name} ${topic}: got ${seq} and still has a ${number} ` +
              "other than the log's",
          );
      }
    }
    seen.texts.set(seq, text);
  }
}
