/**
 * Topics added and removed on an open connection. Calls are not queued: the wanted topics are
 * compared with the server's, one request at a time, until both agree. So a burst is one request,
 * and a topic added and removed within it none.
 */

import { type Clock, TOPICS_PER_CONNECTION_MAX, type Topic } from "@ovation/protocol";
import { REQUEST_RETRIES_MAX, REQUEST_RETRY_MS } from "../limits.ts";
import type { ApiError } from "../requests/api-error.ts";
import { backoffMs } from "../requests/backoff.ts";
import type { SendRequest } from "../requests/request.ts";
import type { TopicAnswer, TopicTable } from "./topic-table.ts";

interface Change {
  readonly method: "PUT" | "DELETE";
  readonly topics: readonly Topic[];
}

export class SubscriptionChanges {
  readonly #table: TopicTable;
  readonly #send: SendRequest;
  readonly #clock: Clock;
  /** The connection cannot be changed any more: reconnect. */
  readonly #onBroken: () => void;
  #connectionId: string | undefined;
  /** The topics requested on this connection. */
  #asked = new Set<Topic>();
  #busy = false;
  #verifying = false;
  #failures = 0;
  /** The order of the requests on this connection: a delayed one undoes none that came after it. */
  #order = 0;
  #cancelRetry: (() => void) | undefined;

  constructor(table: TopicTable, send: SendRequest, clock: Clock, onBroken: () => void) {
    this.#table = table;
    this.#send = send;
    this.#clock = clock;
    this.#onBroken = onBroken;
  }

  /** A connection is open; it requested `topics`. */
  begin(connectionId: string, topics: Iterable<Topic>): void {
    this.#connectionId = connectionId;
    this.#order = 0;
    this.#asked = new Set(topics);
    this.settle();
  }

  /** The connection is closed. */
  end(): void {
    this.#connectionId = undefined;
    this.#busy = false;
    this.#verifying = false;
    this.#failures = 0;
    this.#cancelRetry?.();
  }

  /**
   * Requests the heads of all topics: checks that the server still has the connection, and that
   * nothing is missing.
   */
  verify(): void {
    this.#verifying = true;
    this.settle();
  }

  /** Sends the differences between the table and the server. */
  settle(): void {
    const connectionId = this.#connectionId;
    const change = this.#next();
    if (connectionId === undefined || this.#busy || change === undefined) return;
    const { method, topics } = change;
    this.#busy = true;
    this.#verifying = false;
    if (method === "PUT") for (const topic of topics) this.#asked.add(topic);
    const path = `/v1/connections/${encodeURIComponent(connectionId)}/subscriptions`;
    this.#send(method, path, { body: { topics, order: ++this.#order } }).then(
      (answer) => connectionId === this.#connectionId && this.#succeeded(change, answer),
      (error: ApiError) => connectionId === this.#connectionId && this.#failed(change, error),
    );
  }

  /** The next request, if anything has changed. */
  #next(): Change | undefined {
    const table = this.#table;
    const removed = [...this.#asked].filter((topic) => !table.has(topic));
    if (removed.length > 0) return { method: "DELETE", topics: removed };
    const added = this.#verifying ? table.topics : table.inactive;
    return added.length === 0
      ? undefined
      : { method: "PUT", topics: added.slice(0, TOPICS_PER_CONNECTION_MAX) };
  }

  #succeeded({ method, topics }: Change, answer: unknown): void {
    this.#busy = false;
    this.#failures = 0;
    const { results = {} } = answer as {
      readonly results?: Readonly<Record<string, TopicAnswer>>;
    };
    for (const topic of topics) {
      const result = method === "PUT" && Object.hasOwn(results, topic) ? results[topic] : undefined;
      if (result?.head === undefined) this.#asked.delete(topic);
      if (method === "PUT") this.#table.answered(topic, result ?? { error: "not-answered" });
    }
    this.settle();
  }

  #failed({ method, topics }: Change, { status, code, retryAfterMs }: ApiError): void {
    this.#busy = false;
    if (method === "PUT" && (status === 400 || status === 403)) {
      for (const topic of topics) this.#table.answered(topic, { error: code });
      this.settle();
    }
    // Too many changes: the connection is intact, and the server names the pause.
    else if (status === 429) this.#retry(retryAfterMs ?? REQUEST_RETRY_MS.first);
    // 412: the connection is closed, whatever this end sees.
    else if (status === 412 || ++this.#failures > REQUEST_RETRIES_MAX) this.#onBroken();
    else this.#retry(backoffMs(this.#failures - 1, REQUEST_RETRY_MS));
  }

  #retry(ms: number): void {
    this.#cancelRetry = this.#clock.after(ms, () => this.settle());
  }
}
