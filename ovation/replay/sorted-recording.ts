/**
 * A recording of any size in order of time. Sorted in memory by parts; each part is a file of its
 * own in a temporary directory, and the parts are merged as they are read.
 */

import { createReadStream, createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { readTextLines } from "../logging/text-lines.ts";
import { SORTED_COMMENTS_MAX, SORTED_PARTS_MAX, SORTED_TEXT_CHARACTERS_MAX } from "./limits.ts";
import type { RecordedComment, Recording } from "./recording.ts";

export interface SortLimits {
  /** Comments that are in memory at a time … */
  readonly comments: number;
  /** … and characters of their texts. */
  readonly characters: number;
  /** Files that are open at a time. */
  readonly parts: number;
}

const LIMITS: SortLimits = {
  comments: SORTED_COMMENTS_MAX,
  characters: SORTED_TEXT_CHARACTERS_MAX,
  parts: SORTED_PARTS_MAX,
};

/**
 * Comments of the same moment keep the order of the file. All is sorted before the first is given.
 */
export function sortRecording(recording: Recording, limits = LIMITS): Recording {
  return {
    form: recording.form,
    async *comments(notes) {
      const directory = mkdtempSync(join(tmpdir(), "ovation-replay-parts-"));
      try {
        const parts = await writeParts(recording.comments(notes), directory, limits);
        yield* mergeParts(parts);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
  };
}

async function writeParts(
  comments: AsyncIterable<RecordedComment>,
  directory: string,
  limits: SortLimits,
): Promise<readonly string[]> {
  let parts: string[] = [];
  let files = 0;
  let held: RecordedComment[] = [];
  let characters = 0;

  async function write(sorted: Iterable<RecordedComment> | AsyncIterable<RecordedComment>) {
    const path = join(directory, `part-${files++}`);
    await pipeline(Readable.from(linesOf(sorted)), createWriteStream(path, { mode: 0o600 }));
    return path;
  }
  async function flush() {
    held.sort((one, other) => one.offsetSeconds - other.offsetSeconds);
    parts.push(await write(held));
    held = [];
    characters = 0;
    if (parts.length < limits.parts) return;
    // The merged part has the earliest places of the file, so it stays the first.
    const merged = await write(mergeParts(parts));
    for (const part of parts) rmSync(part);
    parts = [merged];
  }

  for await (const comment of comments) {
    held.push(comment);
    characters += comment.text.length + comment.author.length;
    if (held.length >= limits.comments || characters >= limits.characters) await flush();
  }
  if (held.length > 0) await flush();
  return parts;
}

async function* linesOf(
  comments: Iterable<RecordedComment> | AsyncIterable<RecordedComment>,
): AsyncGenerator<string, void, void> {
  for await (const comment of comments) yield `${JSON.stringify(comment)}\n`;
}

/** Of equal times the earlier part's comment comes first. */
async function* mergeParts(paths: readonly string[]): AsyncGenerator<RecordedComment, void, void> {
  const parts = paths.map(readPart);
  const heads = await Promise.all(parts.map(next));
  for (;;) {
    let earliest = -1;
    for (const [index, head] of heads.entries()) {
      const best = heads[earliest];
      if (head !== undefined && (best === undefined || head.offsetSeconds < best.offsetSeconds))
        earliest = index;
    }
    const [part, comment] = [parts[earliest], heads[earliest]];
    if (part === undefined || comment === undefined) return;
    yield comment;
    heads[earliest] = await next(part);
  }
}

async function next(part: AsyncGenerator<RecordedComment, void, void>) {
  const { value } = await part.next();
  return value === undefined ? undefined : value;
}

/** What {@link linesOf} wrote: a file of this process. */
async function* readPart(path: string): AsyncGenerator<RecordedComment, void, void> {
  const lines = readTextLines(createReadStream(path), {
    lineCharactersMax: Number.POSITIVE_INFINITY,
    tooLong: (at) => new Error(`${path}:${at}: too long`),
  });
  for await (const line of lines) yield JSON.parse(line) as RecordedComment;
}
