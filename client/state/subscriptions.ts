/** The application's callbacks, per topic and of the state: they get what the stream reports. */

import { parseTopic, TOPICS_PER_CONNECTION_MAX, type Topic } from "@ovation/protocol";
import type { ClientEvent, GapData } from "../event-types.ts";
import type { Stream, StreamSink } from "../stream/stream.ts";
import type { ConnectionState, Subscription, TopicHandlers } from "../types.ts";
import { IDLE } from "./state.ts";

interface Subscriber {
  readonly handlers: TopicHandlers;
  /** Whether `onSubscribed` was called. */
  subscribed: boolean;
}

type StateListener = (state: ConnectionState) => void;

export class Subscriptions implements StreamSink {
  readonly stream: Stream;
  state = IDLE;
  readonly #byTopic = new Map<Topic, Set<Subscriber>>();
  readonly #stateListeners = new Set<StateListener>();

  constructor(openStream: (sink: StreamSink) => Stream) {
    this.stream = openStream(this);
  }

  /** Called at once, and at every change. Returns a function that ends it. */
  listen(listener: StateListener): () => void {
    this.#stateListeners.add(listener);
    guard(() => listener(this.state));
    return () => this.#stateListeners.delete(listener);
  }

  subscribe(text: string, handlers: TopicHandlers): Subscription {
    const topic = parseTopic(text);
    if (topic === undefined) throw new TypeError(`not a topic: ${JSON.stringify(text)}`);
    if (this.state.name === "closed") throw new Error("the client is closed");
    const subscriber: Subscriber = { handlers, subscribed: false };
    const others = this.#byTopic.get(topic);
    if (others !== undefined) {
      others.add(subscriber);
      queueMicrotask(() => this.#join(topic, subscriber));
    } else if (this.#byTopic.size >= TOPICS_PER_CONNECTION_MAX) {
      queueMicrotask(() => guard(() => handlers.onRefused?.("too-many-topics")));
    } else {
      this.#byTopic.set(topic, new Set([subscriber]));
      this.stream.add(topic);
    }
    return { topic, unsubscribe: () => this.#unsubscribe(topic, subscriber) };
  }

  close(): void {
    this.stream.close();
    this.#byTopic.clear();
    this.#stateListeners.clear();
  }

  onState(state: ConnectionState): void {
    this.state = state;
    for (const listener of [...this.#stateListeners]) guard(() => listener(state));
  }

  onEvent(event: ClientEvent): void {
    const { topic, type, data } = event;
    this.#each(topic as Topic, ({ handlers }) => {
      if (type === "gap") handlers.onGap?.(data as unknown as GapData);
      // A type may be called `constructor`.
      else if (!(type in Object.prototype))
        (handlers as Record<string, ((event: ClientEvent) => void) | undefined>)[type]?.(event);
      handlers.onEvent?.(event);
    });
  }

  onSubscribed(topic: Topic, head: number): void {
    this.#each(topic, (subscriber) => announce(subscriber, head));
  }

  onReset(topic: Topic, head: number): void {
    this.#each(topic, ({ handlers }) => handlers.onReset?.({ topic, head }));
  }

  onRefused(topic: Topic, code: string): void {
    this.#each(topic, ({ handlers }) => handlers.onRefused?.(code));
    this.#byTopic.delete(topic);
  }

  #each(topic: Topic, run: (subscriber: Subscriber) => void): void {
    for (const subscriber of [...(this.#byTopic.get(topic) ?? [])]) guard(() => run(subscriber));
  }

  /** The topic may be active already: then this subscriber begins at its current position. */
  #join(topic: Topic, subscriber: Subscriber): void {
    const standing = this.stream.standing(topic);
    if (standing !== undefined && this.#byTopic.get(topic)?.has(subscriber))
      guard(() => announce(subscriber, standing.seq));
  }

  #unsubscribe(topic: Topic, subscriber: Subscriber): void {
    const all = this.#byTopic.get(topic);
    if (!all?.delete(subscriber) || all.size > 0) return;
    this.#byTopic.delete(topic);
    this.stream.remove(topic);
  }
}

function announce(subscriber: Subscriber, head: number): void {
  if (subscriber.subscribed) return;
  subscriber.subscribed = true;
  subscriber.handlers.onSubscribed?.({ head });
}

/** An error in the application's callback is reported as uncaught, and stops nothing here. */
function guard(run: () => void): void {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
