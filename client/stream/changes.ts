/**
 * Topics added and removed on an open connection. Calls are not queued: the wanted topics are
 * compared with the server's, one request at a time, until both agree. So a burst is one request,
 * and a topic added and removed within it none.
 */

import { type Clock, TOPICS_PER_CONNECTION_MAX, type Topic } from "@ovation/protocol";
import type { ApiError } from "../api-error.ts";
import { REQUEST_RETRIES_MAX, REQUEST_RETRY_MS } from "../limits.ts";
import type { SendRequest } from "../request.ts";
import type { TopicAnswer, TopicTable } from "./topics.ts";

export interface Changes {
  /** A connection is open; it requested `topics`. */
  begin(connectionId: string, topics: Iterable<Topic>): void;
  /** The connection is closed. */
  end(): void;
  /** Sends the differences between the table and the server, soon. */
  settle(): void;
  /**
   * Requests the heads of all topics: checks that the server still has the connection, and that
   * nothing is missing.
   */
  verify(): void;
}

/** `onBroken` is called where the connection cannot be changed any more: reconnect. */
export function createChanges(
  table: TopicTable,
  send: SendRequest,
  clock: Clock,
  onBroken: () => void,
): Changes {
  let connectionId: string | undefined;
  /** The topics requested on this connection. */
  let asked = new Set<Topic>();
  let busy = false;
  let verifying = false;
  let failures = 0;
  /** The order of the requests on this connection: a delayed one undoes none that came after it. */
  let order = 0;
  let cancelRetry: (() => void) | undefined;

  /** The next request, if anything has changed. */
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
        // Too many changes: the server says when it accepts the next one, and the connection is
        // intact.
        else if (status === 429)
          cancelRetry = clock.after(error.retryAfterMs ?? REQUEST_RETRY_MS, settle);
        // 412: the connection is closed, whatever this end sees.
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
