/**
 * JSON Lines: `{"offset": seconds, "author": "name", "text": "…", "role"?: "host" | "moderator"}`, one
 * per line; other members are left alone. Read in chunks: a file of any size costs one line of memory.
 */

import { z } from "zod";
import { readTextLines } from "../text-lines.ts";
import { LINE_BYTES_MAX } from "./limits.ts";
import { type RecordedComment, type Recording, RecordingError } from "./recording.ts";

const line = z.object({
  offset: z.number().min(0),
  author: z.string().min(1),
  text: z.string(),
  role: z.enum(["host", "moderator", "member"]).default("member"),
});

const SHAPE = `a line is {"offset": seconds, "author": "name", "text": "…"}`;

export function openJsonLines(path: string): Recording {
  return {
    form: "JSON Lines",
    async *comments() {
      let number = 0;
      const lines = readTextLines(Bun.file(path).stream(), {
        lineCharactersMax: LINE_BYTES_MAX,
        tooLong: (at) =>
          new RecordingError(`${path}:${at}: longer than ${LINE_BYTES_MAX} characters; ${SHAPE}`),
      });
      for await (const text of lines) {
        number++;
        if (text.trim() !== "") yield parseLine(text, path, number);
      }
    },
  };
}

function parseLine(text: string, path: string, number: number): RecordedComment {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RecordingError(
      `${path}:${number}: not JSON (${error instanceof Error ? error.message : "unreadable"}); ${SHAPE}`,
    );
  }
  const parsed = line.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const member =
      issue === undefined || issue.path.length === 0 ? "the line" : `"${issue.path.join(".")}"`;
    throw new RecordingError(
      `${path}:${number}: ${member}: ${issue?.message ?? "not as expected"}; ${SHAPE}`,
    );
  }
  const { offset, author, text: comment, role } = parsed.data;
  return { offsetSeconds: offset, author, text: comment, role, where: `line ${number}` };
}
