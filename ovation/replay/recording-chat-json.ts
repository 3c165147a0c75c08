/**
 * The `chat.json` that downloaders of recorded Twitch chats write: one object with a list of
 * comments. Read whole, because it is one JSON value; only what a replay needs is kept.
 */

import { z } from "zod";
import { CHAT_JSON_BYTES_MAX } from "./limits.ts";
import { NO_AUTHOR, quote, readAuthor, readOffset, readText } from "./recorded-values.ts";
import {
  type RecordedComment,
  type RecordedRole,
  type Recording,
  RecordingError,
  type RecordingNotes,
} from "./recording.ts";

const item = z.object({
  content_offset_seconds: z.unknown().optional(),
  commenter: z.unknown().optional(),
  message: z.unknown().optional(),
});
/** Null where the account was deleted. */
const commenter = z.object({ display_name: z.unknown().optional(), name: z.unknown().optional() });
const message = z.object({ body: z.unknown().optional(), user_badges: z.unknown().optional() });
const badges = z.array(z.object({ _id: z.string() }));

const SHAPE =
  'a chat.json is {"comments": [{"content_offset_seconds", "commenter": {"display_name"}, ' +
  '"message": {"body"}}]}';

export async function openChatJson(
  path: string,
  bytesMax = CHAT_JSON_BYTES_MAX,
): Promise<Recording> {
  const list = await readList(path, bytesMax);
  return {
    form: "chat.json",
    async *comments(notes) {
      for (const [index, each] of list.entries()) {
        const comment = parseComment(each, `comment ${index + 1}`, notes);
        if (comment !== undefined) yield comment;
      }
    },
  };
}

async function readList(path: string, bytesMax: number): Promise<readonly unknown[]> {
  const file = Bun.file(path);
  if (file.size > bytesMax) {
    throw new RecordingError(
      `${path}: ${Math.round(file.size / 1e6)} MB are more than is read at once; ` +
        "turn it into JSON Lines: jq -c '.comments[] | {offset: .content_offset_seconds, " +
        "author: .commenter.display_name, text: .message.body}'",
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
  return list;
}

function parseComment(
  value: unknown,
  where: string,
  notes: RecordingNotes | undefined,
): RecordedComment | undefined {
  const whole = item.safeParse(value).data;
  if (whole === undefined) return leaveOut("no object");
  const offset = readOffset(whole.content_offset_seconds);
  if (offset === undefined)
    return leaveOut(`"content_offset_seconds" is ${quote(whole.content_offset_seconds)}`);
  const said = message.safeParse(whole.message).data;
  const text = readText(said?.body);
  if (text === undefined) return leaveOut(`"message.body" is ${quote(said?.body)}`);
  const by = commenter.safeParse(whole.commenter).data;
  const author =
    whole.commenter === null || whole.commenter === undefined
      ? { value: NO_AUTHOR }
      : readAuthor(by?.display_name || by?.name);
  const corrected = [offset, text, author].flatMap((read) => read.corrected ?? []);
  if (corrected.length > 0) notes?.corrected(where, corrected.join(", "));
  return {
    offsetSeconds: offset.value,
    author: author.value,
    text: text.value,
    role: roleOf(badges.safeParse(said?.user_badges).data?.map((each) => each._id) ?? []),
    where,
  };

  function leaveOut(why: string): undefined {
    notes?.leftOut(where, why);
  }
}

function roleOf(names: readonly string[]): RecordedRole {
  if (names.includes("broadcaster")) return "host";
  return names.includes("moderator") || names.includes("lead_moderator") ? "moderator" : "member";
}
