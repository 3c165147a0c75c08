/**
 * JSON Lines: `{"offset": seconds, "author": "name", "text": "…", "role"?: "host" | "moderator"}`,
 * one per line; other members are left alone. Read in chunks: a file of any size costs one line of
 * memory.
 */

import { readTextLines } from "../logging/text-lines.ts";
import { LINE_BYTES_MAX } from "./limits.ts";
import { quote, readAuthor, readOffset, readRole, readText } from "./recorded-values.ts";
import type { RecordedComment, Recording, RecordingNotes } from "./recording.ts";

export const LINE_SHAPE = `a line is {"offset": seconds, "author": "name", "text": "…"}`;

export function openJsonLines(path: string): Recording {
  return {
    form: "JSON Lines",
    async *comments(notes) {
      let number = 0;
      let tooLong = 0;
      const lines = readTextLines(Bun.file(path).stream(), {
        lineCharactersMax: LINE_BYTES_MAX,
        tooLong(at) {
          tooLong = at;
          return "leave out";
        },
      });
      for await (const text of lines) {
        number++;
        const where = `line ${number}`;
        if (tooLong === number) notes?.leftOut(where, `longer than ${LINE_BYTES_MAX} characters`);
        else if (text.trim() !== "") {
          const comment = parseLine(text, where, notes);
          if (comment !== undefined) yield comment;
        }
      }
    },
  };
}

function parseLine(
  text: string,
  where: string,
  notes: RecordingNotes | undefined,
): RecordedComment | undefined {
  const value = parseJson(text);
  if (value === undefined) return leaveOut("not JSON");
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return leaveOut("no object");
  const line: Readonly<Record<string, unknown>> = { ...value };
  const offset = readOffset(line.offset);
  if (offset === undefined) return leaveOut(`"offset" is ${quote(line.offset)}`);
  const said = readText(line.text);
  if (said === undefined) return leaveOut(`"text" is ${quote(line.text)}`);
  const author = readAuthor(line.author);
  const role = readRole(line.role);
  const corrected = [offset, said, author, role].flatMap((read) => read.corrected ?? []);
  if (corrected.length > 0) notes?.corrected(where, corrected.join(", "));
  return {
    offsetSeconds: offset.value,
    author: author.value,
    text: said.value,
    role: role.value,
    where,
  };

  function leaveOut(why: string): undefined {
    notes?.leftOut(where, why);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The reader of the file counts it.
    return undefined;
  }
}
