/** `ovation replay FILE --video ID`: options, progress and messages around {@link replay}. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { isTopicId, systemClock } from "@ovation/protocol";
import type { Command } from "commander";
import { findSecret } from "../commands/secrets.ts";
import { toOption } from "../settings/commander-option.ts";
import { dataSettings } from "../settings/start-settings.ts";
import { parsed, text } from "../settings/values.ts";
import { signToken } from "../tokens/mod.ts";
import { type Api, createApi, RefusedError, UnreachableError } from "./api.ts";
import { type Authors, guestAuthors, oneAuthor, signedAuthors } from "./authors.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { openRecording } from "./open-recording.ts";
import { createProgressLine } from "./progress-line.ts";
import { checkRecording, type Places, RecordingError, type RecordingSummary } from "./recording.ts";
import { LINE_SHAPE } from "./recording-json-lines.ts";
import { type ReplayProgress, replay } from "./replay.ts";
import { sortRecording } from "./sorted-recording.ts";

/** Longer than the longest replay. */
const TOKEN_TTL_S = 7 * 24 * 60 * 60;

interface Options {
  readonly video: string;
  readonly speed: number;
  readonly url: string;
  readonly token?: string;
  readonly secret?: string;
  readonly data: string;
  readonly limit: number;
  readonly from: number;
}

export function addReplayCommand(program: Command): void {
  program
    .command("replay")
    .description("feed a recorded chat to a video, as if it happened live")
    .argument(
      "<file>",
      'JSON Lines ({"offset": seconds, "author", "text"}) or the chat.json of a Twitch downloader',
    )
    .addOption(
      toOption({
        flags: "--video <id>",
        help: "the video that gets the comments",
        value: parsed(toVideoId),
        isRequired: true,
      }),
    )
    .addOption(
      toOption({
        flags: "--speed <factor>",
        help: "10: ten times as fast as it happened; max: as fast as it goes",
        value: parsed(toSpeed),
        default: "1",
      }),
    )
    .addOption(
      toOption({
        flags: "--url <url>",
        help: "the server",
        value: parsed(toUrl),
        default: "http://localhost:8080",
      }),
    )
    .addOption(
      toOption({
        flags: "--token <token>",
        help: "post everything as this member, with the author's name before the text",
        value: text,
      }),
    )
    .addOption(toOption(dataSettings.secret))
    .addOption(toOption(dataSettings.dataDirectory))
    .addOption(
      toOption({
        flags: "--limit <n>",
        help: "at most so many comments",
        value: parsed(toLimit),
      }).default(Number.POSITIVE_INFINITY, "all"),
    )
    .addOption(
      toOption({
        flags: "--from <time>",
        help: "begin at this moment of the recording, for example 00:10:00",
        value: parsed(toSeconds),
      }).default(Number.NEGATIVE_INFINITY, "the beginning"),
    )
    .addHelpText(
      "after",
      `
Authors are members, with tokens signed by OVATION_SECRET or the server's data directory; without
either they are guests.
The server's rate limits hold for them as for every client: start it with --rate-limits off for a
fast replay.

  ovation replay ovation/replay/sample.jsonl --video demo --speed 10`,
    )
    .action(async (file: string, options: Options) => {
      process.exitCode = await runReplay(file, options);
    });
}

/** Answers the exit code. Progress goes to standard error, the summary to standard output. */
async function runReplay(file: string, options: Options): Promise<number> {
  const stop = new AbortController();
  const onInterrupt = () => stop.abort(new Error("interrupted"));
  process.once("SIGINT", onInterrupt);
  process.once("SIGTERM", onInterrupt);
  const line = createProgressLine(process.stderr, systemClock);
  let waits = 0;
  let latest: ReplayProgress | undefined;

  try {
    const recording = await openRecording(file);
    const summary = await checkRecording(recording);
    if (summary.comments === 0) throw new RecordingError(explainEmpty(file, summary));

    const api = createApi({
      url: options.url,
      clock: systemClock,
      random: Math.random,
      signal: stop.signal,
      onRateLimit(waitMs) {
        if (waits++ === 0)
          line.say(
            "the server's rate limit holds us up; start it with --rate-limits off for imports",
          );
        line.show(`waiting ${(waitMs / 1000).toFixed(1)} s for the rate limit`);
      },
    });
    const authors = chooseAuthors(options, api);
    line.say(
      `${file}: ${summary.comments} comments in ${formatDuration(summary.lastSeconds)} ` +
        `(${recording.form}) → ${options.url}/watch/${options.video}`,
    );
    if (!summary.isOrdered) line.say("it is not in order of time and is sorted first");
    line.say(`${authors.way}; ${formatSpeed(options.speed)}`);

    const startedAt = systemClock.now();
    const done = await replay({
      recording: summary.isOrdered ? recording : sortRecording(recording),
      videoId: options.video,
      speed: options.speed,
      fromSeconds: options.from,
      limit: options.limit,
      runId: `replay-${crypto.randomUUID().slice(0, 8)}`,
      api,
      authors,
      clock: systemClock,
      signal: stop.signal,
      onProgress(progress) {
        latest = progress;
        line.show(formatProgress(progress, summary.lastSeconds, systemClock.now() - startedAt));
      },
      onRefused: (comment, reason) => line.say(`${file}, ${comment.where}: not taken: ${reason}`),
    });
    line.end();
    console.log(formatSummary(done, systemClock.now() - startedAt, waits));
    sayPlaces("left out, because they cannot be read", summary.leftOut);
    sayPlaces("corrected", summary.corrected);
    if (stop.signal.aborted) return 130;
    return done.posted === 0 && done.refused > 0 ? 1 : 0;
  } catch (error) {
    line.end();
    const message = explain(error);
    if (message === undefined) throw error;
    console.error(`ovation replay: ${message}`);
    if (latest !== undefined && latest.posted > 0)
      console.error(
        `${latest.posted} comments were stored before it; ` +
          `--from ${formatDuration(latest.offsetSeconds)} continues there`,
      );
    return 1;
  } finally {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
  }
}

function explainEmpty(file: string, { leftOut }: RecordingSummary): string {
  if (leftOut.count === 0) return `${file}: no comment in it`;
  const reasons = leftOut.first.join("; ");
  return `${file}: none of its ${leftOut.count} items can be read: ${reasons}; ${LINE_SHAPE}`;
}

function sayPlaces(what: string, { count, first }: Places): void {
  if (count === 0) return;
  const more = count > first.length ? `; … and ${count - first.length} more` : "";
  console.log(`${count} ${what}: ${first.join("; ")}${more}`);
}

function chooseAuthors(options: Options, api: Api): Authors {
  if (options.token !== undefined) return oneAuthor(options.token);
  const secret = secretOf(options);
  if (secret === undefined) return guestAuthors(api);
  return signedAuthors((claims) => signToken(secret, claims, TOKEN_TTL_S), options.video);
}

/**
 * The given secret, or that of a server that keeps its data there; none is made where there is
 * none.
 */
function secretOf({ secret, data }: Options): string | undefined {
  const isGiven = secret !== undefined && secret !== "";
  return isGiven || existsSync(join(data, "secret")) ? findSecret(secret, data) : undefined;
}

function formatSpeed(speed: number): string {
  return speed === Number.POSITIVE_INFINITY ? "as fast as it goes" : `${speed}× speed`;
}

function formatProgress(progress: ReplayProgress, lastSeconds: number, elapsedMs: number): string {
  const rate = progress.posted / Math.max(0.5, elapsedMs / 1000);
  const behind =
    progress.behindMs > 1000 ? ` · ${(progress.behindMs / 1000).toFixed(1)} s behind` : "";
  return [
    `${formatDuration(progress.offsetSeconds)} of ${formatDuration(lastSeconds)}`,
    `${progress.posted} comments`,
    `${rate.toFixed(1)}/s${behind}`,
  ].join(" · ");
}

function formatSummary(done: ReplayProgress, elapsedMs: number, waits: number): string {
  const seconds = elapsedMs / 1000;
  const notes = [
    done.cut > 0 ? `${done.cut} cut to 200 characters` : "",
    done.empty > 0 ? `${done.empty} without text left out` : "",
    done.refused > 0 ? `${done.refused} not taken by the server` : "",
    done.renamed > 0
      ? `${done.renamed} authors renamed, because the server refuses their names`
      : "",
    waits > 0 ? `waited ${waits} times for rate limits` : "",
  ].filter((note) => note !== "");
  const rate = (done.posted / Math.max(0.001, seconds)).toFixed(1);
  return [
    `${done.posted} comments by ${done.authors} authors in ${seconds.toFixed(1)} s (${rate}/s)`,
    ...notes,
  ].join("; ");
}

/** What to tell about an error that is not the program's own. */
function explain(error: unknown): string | undefined {
  if (error instanceof RecordingError || error instanceof UnreachableError) return error.message;
  if (!(error instanceof RefusedError)) return undefined;
  if (error.code === "guests-off")
    return (
      "guests are off there: set OVATION_SECRET to the server's secret, point --data to " +
      "its data directory, or give a --token"
    );
  if (error.status === 401)
    return `${error.message}: is OVATION_SECRET (or --data) the server's own?`;
  if (error.code === "unknown-video")
    return (
      "there is no such video, and the server takes only videos that were created " +
      "(--videos listed)"
    );
  return `the server answered ${error.status} ${error.code}: ${error.message}`;
}

function toVideoId(text: string): string {
  const id = text.startsWith("video:") ? text.slice("video:".length) : text;
  if (!isTopicId(id)) throw new Error("not a video id.");
  return id;
}

function toSpeed(text: string): number {
  if (text === "max") return Number.POSITIVE_INFINITY;
  const speed = Number(text);
  if (!(speed > 0)) throw new Error("a factor above 0, or max.");
  return speed;
}

function toLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isSafeInteger(limit) || limit < 1) throw new Error("a whole number from 1.");
  return limit;
}

function toSeconds(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new Error("a time like 00:10:00, 10:00 or 600.");
  return seconds;
}

function toUrl(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new Error("an address like http://localhost:8080.");
  return text.replace(/\/+$/, "");
}
