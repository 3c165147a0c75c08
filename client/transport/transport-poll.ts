/**
 * Long polls in place of a stream, where a proxy buffers streams: one request after another, each
 * answered when there are events. The events are those of the stream.
 */

import { toApiError } from "../requests/api-error.ts";
import type { OpenTransport, TransportEnd } from "./transport.ts";

/** The server's response: `docs/http-api.md`. */
interface PollAnswer {
  readonly connectionId?: string;
  readonly position?: string;
  readonly retryMs?: number;
  readonly events: readonly { readonly id?: string }[];
}

export function createPollTransport(fetchFunction: typeof fetch): OpenTransport {
  return ({ url, token }, callbacks) => {
    const abort = new AbortController();
    let open = true;

    function close(): void {
      open = false;
      abort.abort();
    }

    function end(how: TransportEnd): void {
      if (!open) return;
      close();
      callbacks.onEnd(how);
    }

    async function ask(address: string): Promise<PollAnswer | undefined> {
      const headers: Record<string, string> = { accept: "application/json" };
      if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
      const { signal } = abort;
      const response = await fetchFunction(address, { headers, signal, cache: "no-store" });
      if (response.status !== 200) {
        end({ kind: "refused", error: await toApiError(response) });
      } else if (!response.headers.get("content-type")?.startsWith("application/json")) {
        // A server without polls responds with a stream.
        end({ kind: "lost", detail: "the answer is no poll" });
      } else {
        return (await response.json()) as PollAnswer;
      }
      return undefined;
    }

    async function read(): Promise<void> {
      let address = url;
      while (open) {
        const answer = await ask(address);
        if (answer === undefined || !open) return;
        callbacks.onAlive();
        if (answer.retryMs !== undefined) callbacks.onRetry(answer.retryMs);
        for (const event of answer.events) {
          const { id = "" } = event;
          if (open)
            callbacks.onMessage({ type: "message", data: JSON.stringify(event), lastEventId: id });
        }
        if (answer.connectionId === undefined) end({ kind: "ended" });
        address = next(url, answer);
        // What the events caused comes first: the client may go over to a stream.
        await Promise.resolve();
      }
    }

    read().catch((error: unknown) => end({ kind: "lost", detail: String(error) }));
    return { seesHeartbeats: true, close };
  };
}

function next(url: string, { connectionId = "", position = "" }: PollAnswer): string {
  const [path = "", query = ""] = url.split("?", 2);
  const parameters = new URLSearchParams(query);
  parameters.set("connection", connectionId);
  parameters.set("last_event_id", position);
  return `${path}?${parameters}`;
}
