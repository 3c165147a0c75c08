/** One video over HTTP: `docs/http-api.md` with types. */

import type { Clock } from "@ovation/protocol";
import type { ApiError } from "./api-error.ts";
import type { Likes } from "./likes.ts";
import { REQUEST_RETRIES_MAX, REQUEST_RETRY_MS } from "./limits.ts";
import type { SendRequest } from "./request.ts";
import type { Comment, VideoApi, VideoInfo } from "./types.ts";

/** Answers after which the same request is worth sending again. */
const PASSING_STATUSES = new Set([0, 502, 503, 504]);

export function createVideo(id: string, send: SendRequest, likes: Likes, clock: Clock, random: () => number): VideoApi {
  const path = `/v1/videos/${encodeURIComponent(id)}`;

  /** For requests that are harmless to repeat. */
  async function persist(run: () => Promise<unknown>): Promise<unknown> {
    for (let retry = 0; ; retry++) {
      try {
        return await run();
      } catch (error) {
        const { status, retryAfterMs } = error as ApiError;
        if (retry >= REQUEST_RETRIES_MAX || !PASSING_STATUSES.has(status)) throw error;
        const waitMs = retryAfterMs ?? REQUEST_RETRY_MS * 2 ** retry * (1 + random());
        await new Promise<void>((resolve) => clock.after(waitMs, resolve));
      }
    }
  }

  return {
    id,
    topic: `video:${id}`,
    info: async () => (await send("GET", path)) as VideoInfo,
    async comment(text, { clientId = newClientId(), replyTo } = {}) {
      const body = { text, clientId, ...(replyTo !== undefined && { replyTo }) };
      return (await persist(() => send("POST", `${path}/comments`, { body }))) as Comment;
    },
    async history(query = {}) {
      const parameters = new URLSearchParams();
      for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
      const page = await send("GET", `${path}/comments?${parameters}`);
      return page as { readonly comments: readonly Comment[]; readonly head: number };
    },
    async remove(seq, reason) {
      await persist(() => send("DELETE", `${path}/comments/${seq}`, { body: reason === undefined ? {} : { reason } }));
    },
    like: (kind = "like", count = 1) => likes.tap(kind, count),
  };
}

/** 128 random bits. `crypto.randomUUID` would need a secure context, and pages on a LAN are none. */
function newClientId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
