/**
 * The stream read with `fetch`: sees every type, comment lines, `retry:` and the status of a
 * refusal.
 */

import { createFrameReader } from "@ovation/protocol";
import { toApiError } from "../requests/api-error.ts";
import type { OpenTransport, TransportEnd } from "./transport.ts";

export function createFetchTransport(fetchFunction: typeof fetch): OpenTransport {
  return ({ url, token }, callbacks) => {
    const abort = new AbortController();
    let open = true;

    function end(how: TransportEnd): void {
      if (!open) return;
      close();
      callbacks.onEnd(how);
    }

    function close(): void {
      open = false;
      abort.abort();
    }

    const frames = createFrameReader({
      onMessage: (message) => open && callbacks.onMessage(message),
      onRetry: (ms) => open && callbacks.onRetry(ms),
    });

    async function read(): Promise<void> {
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
      const response = await fetchFunction(url, {
        headers,
        signal: abort.signal,
        cache: "no-store",
      });
      if (response.status !== 200) {
        end({ kind: "refused", error: await toApiError(response) });
        return;
      }
      if (
        response.body === null ||
        !response.headers.get("content-type")?.startsWith("text/event-stream")
      ) {
        end({ kind: "lost", detail: "the answer is no event stream" });
        return;
      }
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      while (open) {
        const { done, value } = await reader.read();
        if (done) break;
        if (open) callbacks.onAlive();
        frames.feed(decoder.decode(value, { stream: true }));
      }
      end({ kind: "ended" });
    }

    read().catch((error: unknown) => end({ kind: "lost", detail: String(error) }));
    return { seesHeartbeats: true, close };
  };
}
