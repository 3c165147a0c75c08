/**
 * The public HTTP API as the audience uses it. What is refused is dropped, counted and said, never
 * repeated: a line of chat is no loss.
 */

import { REQUEST_TIMEOUT_MS } from "./limits.ts";

export interface DemoApi {
  /** The number of the stored comment, or undefined where it was not taken. */
  comment(
    videoId: string,
    text: string,
    token: string,
    replyTo?: number,
  ): Promise<number | undefined>;
  like(videoId: string, kind: string, count: number, token?: string): Promise<void>;
  pin(videoId: string, seq: number, token: string): Promise<void>;
  /** Title, media and so on. */
  describe(videoId: string, description: Record<string, unknown>, token: string): Promise<void>;
  /** How many comments there are already. */
  countComments(videoId: string): Promise<number>;
}

export interface DemoApiOptions {
  readonly url: string;
  /** Told of every request that failed or was refused. */
  onTrouble(what: string): void;
}

export function createDemoApi({ url, onTrouble }: DemoApiOptions): DemoApi {
  async function call(
    method: string,
    path: string,
    body?: unknown,
    token?: string,
  ): Promise<Record<string, unknown> | undefined> {
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    try {
      const response = await fetch(url + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const answer = (await response.json()) as Record<string, unknown>;
      if (response.ok) return answer;
      onTrouble(`${method} ${path}: ${response.status} ${String(answer["code"] ?? "")}`);
    } catch (error) {
      onTrouble(`${method} ${path}: ${error instanceof Error ? error.message : "no answer"}`);
    }
    return undefined;
  }

  const video = (id: string, rest = "") => `/v1/videos/${encodeURIComponent(id)}${rest}`;
  return {
    async comment(videoId, text, token, replyTo) {
      const answer = await call(
        "POST",
        video(videoId, "/comments"),
        { text, ...(replyTo === undefined ? {} : { replyTo }) },
        token,
      );
      return typeof answer?.seq === "number" ? answer.seq : undefined;
    },
    async like(videoId, kind, count, token) {
      await call("POST", video(videoId, "/likes"), { kind, count }, token);
    },
    async pin(videoId, seq, token) {
      await call("PUT", video(videoId, "/pin"), { seq }, token);
    },
    async describe(videoId, description, token) {
      await call("PUT", video(videoId), description, token);
    },
    async countComments(videoId) {
      const answer = await call("GET", video(videoId));
      return typeof answer?.comments === "number" ? answer.comments : 0;
    },
  };
}
