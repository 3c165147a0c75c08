/**
 * A viewer with the SDK: the whole client, over the simulated network, with its callbacks checked.
 */

import { ApiError, type Client, createClient } from "@ovation/client";
import { type Identity, type Topic, topicOf } from "@ovation/protocol";
import { LiveChecker } from "./checkers/live-checker.ts";
import { SequenceChecker } from "./checkers/sequence-checker.ts";
import type { Cluster } from "./cluster.ts";
import type { Node } from "./node.ts";
import type { Socket } from "./socket.ts";
import { changeSubscriptions, Stream } from "./stream.ts";
import type { World } from "./world.ts";

const DAY_MS = 86_400_000;
const RETRY_MS = { first: 500, longest: 5000 };

interface Wanted {
  readonly checker: SequenceChecker;
  end(): void;
}

export class SdkViewer {
  readonly node: Node;
  readonly topics = new Map<Topic, Wanted>();
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #client: Client;
  readonly #member: string | undefined;
  readonly #zstd: boolean;
  #stream: Stream | undefined;

  constructor(
    world: World,
    cluster: Cluster,
    node: Node,
    options: { readonly member: string | undefined; readonly zstd: boolean },
  ) {
    this.#world = world;
    this.#cluster = cluster;
    this.node = node;
    this.#member = options.member;
    this.#zstd = options.zstd;
    this.#live = new LiveChecker(world, node.place.name);
    this.#client = createClient({
      url: "http://ovation",
      ...(options.member === undefined ? {} : { token: () => this.#mintToken() }),
      now: () => node.clock.now(),
      after: (ms, run) => node.after(ms, run),
      random: () => world.random.next(),
      retryMs: RETRY_MS,
      transport: ({ url, token }, callbacks) => {
        const { searchParams } = new URL(url);
        const identity = readToken(token);
        if (identity === "expired") {
          node.soon(() =>
            callbacks.onEnd({ kind: "refused", error: new ApiError("token-expired", 401, "") }),
          );
          return { seesHeartbeats: true, close() {} };
        }
        const parameter = searchParams.get("last_event_id") ?? undefined;
        const request = {
          topics: searchParams.getAll("topic") as Topic[],
          identity,
          parameter,
          zstd: this.#zstd,
          unnamed: searchParams.get("events") === "message",
        };
        const stream = new Stream(world, cluster, node, request, {
          onMessage: (message) => callbacks.onMessage(message),
          onAlive: () => callbacks.onAlive(),
          onRetry: (ms) => callbacks.onRetry(ms),
          onEnd: (kind) =>
            callbacks.onEnd(kind === "ended" ? { kind } : { kind, detail: "the connection broke" }),
          onRefused: ({ status, code, message }) =>
            callbacks.onEnd({ kind: "refused", error: new ApiError(code, status, message) }),
        });
        this.#stream = stream;
        return { seesHeartbeats: true, close: () => stream.close() };
      },
      fetch: ((url: string, init: { readonly method: string; readonly body: string }) =>
        this.#fetch(url, init)) as unknown as typeof fetch,
    });
    const expiresAt = () => world.timeline.now + (world.healed ? DAY_MS : world.settings.tokenMs);
    this.#mintToken = () => `${options.member} ${Math.floor(expiresAt())}`;
    this.#client.onState((state) =>
      world.trace.note(node.place.name, () => `${state.name} (${state.reason})`),
    );

    function readToken(token: string | undefined): Identity | "expired" | undefined {
      if (token === undefined) return undefined;
      const [member = "", expiry = ""] = token.split(" ");
      if (Number(expiry) <= world.timeline.now) return "expired";
      const none: readonly string[] = [];
      return {
        sub: member,
        name: member,
        role: "member",
        videoRoles: {},
        subscribe: none,
        publish: none,
        expiresAt: Number(expiry),
      };
    }
    this.#identity = readToken;
  }

  readonly #live: LiveChecker;
  readonly #mintToken: () => string;
  readonly #identity: (token: string | undefined) => Identity | "expired" | undefined;

  get member(): string | undefined {
    return this.#member;
  }

  get connected(): boolean {
    return this.#client.state.name === "connected" && this.node.alive;
  }

  get state(): string {
    return `${this.#client.state.name} (${this.#client.state.reason})`;
  }

  get socket(): Socket | undefined {
    return this.#stream?.socket;
  }

  /** The topic that only this member may have. */
  get ownTopic(): Topic | undefined {
    return this.#member === undefined ? undefined : topicOf("member", this.#member);
  }

  subscribe(topic: Topic): void {
    if (this.topics.has(topic)) return;
    const { place } = this.node;
    this.#world.trace.note(place.name, () => `wants ${topic}`);
    const checker = new SequenceChecker(this.#world, `${place.name} ${topic}`, topic);
    const subscription = this.#client.subscribe(topic, {
      onSubscribed: ({ head }) => checker.began(head),
      onReset: ({ head }) => checker.reset(head),
      onRefused: (code) => this.#world.verdict.fail("refused", `${place.name} ${topic}: ${code}`),
      onEvent: (event) => {
        const times = this.#world.sabotage?.callbacks(event) ?? 1;
        for (let time = 0; time < times; time++) {
          checker.event(event);
          this.#live.event(event.type, event.data);
        }
      },
    });
    this.topics.set(topic, { checker, end: () => subscription.unsubscribe() });
  }

  unsubscribe(topic: Topic): void {
    this.#world.trace.note(this.node.place.name, () => `leaves ${topic}`);
    this.topics.get(topic)?.end();
    this.topics.delete(topic);
  }

  close(): void {
    this.topics.clear();
    this.#client.close();
  }

  async #fetch(
    url: string,
    { method, body }: { readonly method: string; readonly body: string },
  ): Promise<Response> {
    const connection = decodeURIComponent(/connections\/([^/]+)\//.exec(url)?.[1] ?? "");
    const { topics, order } = JSON.parse(body) as {
      readonly topics: Topic[];
      readonly order: number;
    };
    const identity = this.#member === undefined ? undefined : this.#identity(this.#mintToken());
    this.#world.trace.note(this.node.place.name, () => `${method} ${topics.join(" ")}`);
    const answer = await changeSubscriptions(this.#world, this.#cluster, this.node, {
      method,
      connection,
      topics,
      order,
      identity: identity === "expired" ? undefined : identity,
    });
    return responseOf(answer.status, answer.body);
  }
}

/** The part of a Response that the client reads, without the runtime's own asynchrony. */
function responseOf(status: number, body: unknown): Response {
  return {
    ok: status < 300,
    status,
    headers: new Headers({ "content-type": "application/json" }),
    json: async () => body,
    text: async () => JSON.stringify(body),
  } as Response;
}
