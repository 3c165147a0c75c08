/** One video over HTTP: `docs/http-api.md` with types. */

import type { Likes } from "./likes.ts";
import { HISTORY_FOLLOWS_MAX } from "./limits.ts";
import { newClientId, type Persist, type SendRequest } from "./requests/request.ts";
import type { Comment, CommentsPage, VideoApi, VideoInfo } from "./types.ts";

export function createVideo(
  id: string,
  send: SendRequest,
  likes: Likes,
  persist: Persist,
  persistRead: Persist,
): VideoApi {
  const path = `/v1/videos/${encodeURIComponent(id)}`;

  async function readPage(query: Readonly<Record<string, number | undefined>>) {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) parameters.set(name, String(value));
    return (await persistRead(() => send("GET", `${path}/comments?${parameters}`))) as CommentsPage;
  }

  return {
    id,
    topic: `video:${id}`,
    info: async () => (await persistRead(() => send("GET", path))) as VideoInfo,
    async comment(text, { clientId = newClientId(), replyTo } = {}) {
      const body = { text, clientId, ...(replyTo !== undefined && { replyTo }) };
      return (await persist(() => send("POST", `${path}/comments`, { body }))) as Comment;
    },
    async history({ after, before, limit } = {}) {
      let page = await readPage({ after, before, limit });
      // The server skips a bounded number of removed comments at once, and reports where it
      // stopped.
      for (let follows = 0; page.next !== undefined && follows < HISTORY_FOLLOWS_MAX; follows++) {
        const { comments, next } = page;
        const wanted = limit === undefined ? undefined : limit - comments.length;
        const from = after === undefined ? { before: next } : { after: next };
        const more = await readPage({ ...from, limit: wanted });
        page = {
          ...more,
          comments:
            after === undefined ? [...more.comments, ...comments] : [...comments, ...more.comments],
        };
      }
      return page;
    },
    async remove(seq, reason) {
      await persist(() =>
        send("DELETE", `${path}/comments/${seq}`, { body: reason === undefined ? {} : { reason } }),
      );
    },
    like: (kind = "like", count = 1) => likes.tap(kind, count),
  };
}
