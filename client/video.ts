/** One video over HTTP: `docs/http-api.md` with types. */

import type { Likes } from "./likes.ts";
import { newClientId, type Persist, type SendRequest } from "./request.ts";
import type { Comment, VideoApi, VideoInfo } from "./types.ts";

export function createVideo(
  id: string,
  send: SendRequest,
  likes: Likes,
  persist: Persist,
): VideoApi {
  const path = `/v1/videos/${encodeURIComponent(id)}`;

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
      for (const [name, value] of Object.entries(query))
        if (value !== undefined) parameters.set(name, String(value));
      const page = await send("GET", `${path}/comments?${parameters}`);
      return page as { readonly comments: readonly Comment[]; readonly head: number };
    },
    async remove(seq, reason) {
      await persist(() =>
        send("DELETE", `${path}/comments/${seq}`, { body: reason === undefined ? {} : { reason } }),
      );
    },
    like: (kind = "like", count = 1) => likes.tap(kind, count),
  };
}
