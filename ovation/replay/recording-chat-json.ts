/**
 * The `chat.json` that downloaders of recorded Twitch chats write: one object with a list of comments.
 * Read whole, because it is one JSON value; only what a replay needs is kept.
 */

import { z } from "zod";
import { CHAT_JSON_BYTES_MAX } from "./limits.ts";
import {
  type RecordedComment,
  type RecordedRole,
  type Recording,
  RecordingError,
} from "./recording.ts";

const badge = z.object({ _id: z.string() });

const comment = z.object({
  content_offset_seconds: z.number().min(0),
  /** Null where the account was deleted. */
  commenter: z.object({ display_name: z.string().nullish(), name: z.string().nullish() }).nullish(),
  message: z.object({ body: z.string(), user_badges: z.array(badge).nullish() }),
});

const SHAPE = `a chat.json is {"comments": [{"content_offset_seconds", "commenter": {"display_name"}, "message": {"body"}}]}`;
const GONE = "someone";

export async function openChatJson(path: string): Promise<Recording> {
  const comments = await readComments(path);
  return {
    form: "chat.json",
    async *comments() {
      yield* comments;
    },
  };
}

async function readComments(path: string): Promise<readonly RecordedComment[]> {
  const file = Bun.file(path);
  if (file.size > CHAT_JSON_BYTES_MAX) {
    throw new RecordingError(
      `${path}: ${Math.round(file.size / 1e6)} MB are more than is read at once; turn it into JSON Lines: jq -c '.comments[] | {offset: .content_offset_seconds, author: .commenter.display_name, text: .message.body}'`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(await file.text());
  } catch (error) {
    throw new RecordingError(
      `${path}: not JSON (${error instanceof Error ? error.message : "unreadable"}); ${SHAPE}`,
    );
  }
  const list =
    typeof value === "object" && value !== null && "comments" in value ? value.comments : undefined;
  if (!Array.isArray(list)) throw new RecordingError(`${path}: no list "comments"; ${SHAPE}`);
  return list.map((each: unknown, index) => parseComment(each, path, index));
}

function parseComment(value: unknown, path: string, index: number): RecordedComment {
  const parsed = comment.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const member = ["comments", index, ...(issue?.path ?? [])].join(".");
    throw new RecordingError(
      `${path}: "${member}": ${issue?.message ?? "not as expected"}; ${SHAPE}`,
    );
  }
  const { content_offset_seconds, commenter, message } = parsed.data;
  return {
    offsetSeconds: content_offset_seconds,
    author: commenter?.display_name || commenter?.name || GONE,
    text: message.body,
    role: roleOf(message.user_badges?.map((each) => each._id) ?? []),
    where: `comment ${index + 1}`,
  };
}

function roleOf(badges: readonly string[]): RecordedRole {
  if (badges.includes("broadcaster")) return "host";
  return badges.includes("moderator") || badges.includes("lead_moderator") ? "moderator" : "member";
}
