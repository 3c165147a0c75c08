/**
 * A recorded chat, as if it happened live. Comments go out one after the other, each when the one
 * before it is stored, so that the log has them in the order of the recording.
 */

import type { Clock } from "@ovation/protocol";
import { type Api, RefusedError, sleep } from "./api.ts";
import type { Author, Authors } from "./authors.ts";
import { REFUSALS_SHOWN_MAX, REORDER_WINDOW } from "./limits.ts";
import type { RecordedComment, Recording } from "./recording.ts";
import { prepareText } from "./text.ts";
import { inTimeOrder } from "./time-order.ts";

export interface ReplayOptions {
  readonly recording: Recording;
  readonly videoId: string;
  /** 2: twice as fast as it happened. Infinity: as fast as the server takes them. */
  readonly speed: number;
  /** Comments before this moment of the recording are left out; -Infinity: none. */
  readonly fromSeconds: number;
  /** At most so many comments. */
  readonly limit: number;
  /** Makes `clientId`s of this replay its own. */
  readonly runId: string;
  readonly api: Api;
  readonly authors: Authors;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told after every comment. */
  onProgress?(progress: ReplayProgress): void;
  /** A comment that the server refuses; the replay continues. */
  onRefused?(comment: RecordedComment, reason: string): void;
}

export interface ReplayProgress {
  readonly posted: number;
  /** Longer than a comment may be: cut, and posted. */
  readonly cut: number;
  /** Without text: left out. */
  readonly empty: number;
  readonly refused: number;
  /** Authors whose name the server refused, and who got another. */
  readonly renamed: number;
  readonly authors: number;
  /** Where in the recording we are. */
  readonly offsetSeconds: number;
  /** How much later than it should the last comment went out. */
  readonly behindMs: number;
}

/**
 * Answers what was done when the recording, the limit or the signal ends it. Throws where the
 * server refuses every author.
 */
export async function replay(options: ReplayOptions): Promise<ReplayProgress> {
  const { clock, signal } = options;
  const names = new Set<string>();
  const done = {
    posted: 0,
    cut: 0,
    empty: 0,
    refused: 0,
    renamed: 0,
    authors: 0,
    offsetSeconds: Number.isFinite(options.fromSeconds) ? options.fromSeconds : 0,
    behindMs: 0,
  };
  let start: { readonly at: number; readonly offsetSeconds: number } | undefined;

  try {
    for await (const comment of inTimeOrder(options.recording.comments(), REORDER_WINDOW)) {
      if (comment.offsetSeconds < options.fromSeconds) continue;
      if (done.posted >= options.limit || signal.aborted) break;
      // The first comment is posted at once: a quiet beginning is skipped.
      start ??= { at: clock.now(), offsetSeconds: comment.offsetSeconds };
      const dueAt =
        start.at + ((comment.offsetSeconds - start.offsetSeconds) * 1000) / options.speed;
      const early = dueAt - clock.now();
      if (early > 0) await sleep(clock, early, signal);

      await post(comment);
      done.offsetSeconds = comment.offsetSeconds;
      done.behindMs = Math.max(0, clock.now() - dueAt);
      done.authors = names.size;
      done.renamed = options.authors.renamed();
      options.onProgress?.({ ...done });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return done;

  async function post(comment: RecordedComment): Promise<void> {
    const { text, cut } = prepareText(comment.text);
    if (text === "") {
      done.empty++;
      return;
    }
    try {
      let author = await options.authors.author(comment.author, comment.role);
      for (;;) {
        const whole = author.prefix === "" ? { text, cut } : prepareText(author.prefix + text);
        const renamed = await send(options, comment, whole.text, author.token);
        if (renamed === undefined) {
          done.posted++;
          if (cut || whole.cut) done.cut++;
          names.add(comment.author);
          return;
        }
        author = renamed;
      }
    } catch (error) {
      if (!(error instanceof RefusedError) || !concernsOneComment(error)) throw error;
      done.refused++;
      if (done.refused <= REFUSALS_SHOWN_MAX)
        options.onRefused?.(comment, `${error.code}: ${error.message}`);
    }
  }
}

/** Undefined: it is stored. An author: the name was refused, and this one is to be tried. */
async function send(
  options: ReplayOptions,
  comment: RecordedComment,
  text: string,
  token: string,
): Promise<Author | undefined> {
  try {
    // By its place in the file: a repetition after a lost answer is the same comment.
    const clientId = `${options.runId}-${comment.where.replace(" ", "-")}`;
    await options.api.comment(options.videoId, text, clientId, token);
    return undefined;
  } catch (error) {
    if (!(error instanceof RefusedError) || error.code !== "name-taken") throw error;
    const other = await options.authors.rename(comment.author, comment.role);
    if (other === undefined) throw error;
    return other;
  }
}

/** About this text or this author; all else would meet every comment. */
function concernsOneComment({ status, code }: RefusedError): boolean {
  return (
    status === 400 ||
    status === 413 ||
    code === "name-taken" ||
    code === "key-reused" ||
    code === "banned" ||
    code === "timed-out"
  );
}
