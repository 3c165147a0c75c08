/**
 * Topics added and removed on an open connection. Calls are not queued: what is wanted is compared
 * with what the server has, one request at a time, until both agree. So a burst is one request, and
 * a topic that comes and goes within it none.
 */

import { type Clock, TOPICS_PER_CONNECTION_MAX, type Topic } from "@ovation/protocol";
import type { ApiError } from "./api-error.ts";
import { REQUEST_RETRIES_MAX, REQUEST_RETRY_MS } from "./limits.ts";
import type { SendRequest } from "./request.ts";
import type { TopicAnswer, TopicTable } from "./topics.ts";

export interface Changes {
  /** A connection is open; it was asked for `topics`. */
  begin(connectionId: string, topics: Iterable<Topic>): void;
  /** The connection is gone. */
  end(): void;
  /** Brings the server to what the table wants, soon. */
  settle(): void;
  /** Asks the server for the heads of all topics: whether it still has the connection, and whether something is missing. */
  verify(): void;
}

/** `onBroken` is called where the connection cannot be changed any more: connect again. */
export function createChanges(
  table: TopicTable,
  send: SendRequest,
  clock: Clock,
  onBroken: () => void,
): Changes {
  let connectionId: string | undefined;
  /** What this connection was asked for. */
  let asked = new Set<Topic>();
  let busy = false;
  let verifying = false;
  let failures = 0;
  /** Of the requests on this connection: one that hung on its way undoes none that came after it. */
  let order = 0;
  let cancelRetry: (() => void) | undefined;

  /** The next request, if there is anything to say. */
  function next():
    | { readonly method: "PUT" | "DELETE"; readonly topics: readonly Topic[] }
    | undefined {
    const removed = [...asked].filter((topic) => !table.has(topic));
    if (removed.length > 0) return { method: "DELETE", topics: removed };
    const added = verifying ? table.topics : table.inactive;
    if (added.length > 0)
      return { method: "PUT", topics: added.slice(0, TOPICS_PER_CONNECTION_MAX) };
    return undefined;
  }

  function settle(): void {
    const change = next();
    if (connectionId === undefined || busy || change === undefined) return;
    busy = true;
    const connection = connectionId;
    const { method, topics } = change;
    verifying = false;
    if (method === "PUT") for (const topic of topics) asked.add(topic);
    send(method, `/v1/connections/${encodeURIComponent(connection)}/subscriptions`, {
      body: { topics, order: ++order },
    }).then(
      (answer) => {
        if (connection !== connectionId) return;
        busy = false;
        failures = 0;
        if (method === "DELETE") for (const topic of topics) asked.delete(topic);
        else
          apply(
            topics,
            (answer as { readonly results?: Readonly<Record<string, TopicAnswer>> }).results ?? {},
          );
        settle();
      },
      (error: ApiError) => {
        if (connection !== connectionId) return;
        busy = false;
        const { status, code } = error;
        if (method === "PUT" && (status === 400 || status === 403)) {
          for (const topic of topics) table.answered(topic, { error: code });
          settle();
        }
        // Too many changes: the server says when it takes the next one, and the connection is well.
        else if (status === 429)
          cancelRetry = clock.after(error.retryAfterMs ?? REQUEST_RETRY_MS, settle);
        // 412: the connection is gone, whatever we see of it.
        else if (status === 412 || ++failures > REQUEST_RETRIES_MAX) onBroken();
        else cancelRetry = clock.after(REQUEST_RETRY_MS * 2 ** (failures - 1), settle);
      },
    );
  }

  function apply(topics: readonly Topic[], results: Readonly<Record<string, TopicAnswer>>): void {
    for (const topic of topics) {
      const result = Object.hasOwn(results, topic) ? results[topic] : undefined;
      if (result?.head === undefined) asked.delete(topic);
      table.answered(topic, result ?? { error: "not-answered" });
    }
  }

  return {
    begin(connection, topics) {
      connectionId = connection;
      order = 0;
      asked = new Set(topics);
      settle();
    },
    end() {
      connectionId = undefined;
      busy = false;
      verifying = false;
      failures = 0;
      cancelRetry?.();
    },
    settle,
    verify() {
      verifying = true;
      settle();
    },
  };
}
