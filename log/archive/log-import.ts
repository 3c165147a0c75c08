/**
 * `ovation log import`: what `log-export.ts` wrote, into a log that does not have these topics yet.
 * Numbers, times and stamps stay, the epoch is a new one: positions of the old log are recognised
 * as another log's, and clients start over.
 */

import {
  type DurableEvent,
  isEventType,
  type Json,
  parseTopic,
  RESERVED_TYPES,
  type Stamp,
  scanJson,
  type Topic,
} from "@ovation/protocol";
import { ARCHIVE_BATCH } from "../limits.ts";
import type { LogLocation } from "../open-log.ts";
import type { ArchiveWriter } from "./archive.ts";
import { EXPORT_VERSION } from "./log-export.ts";
import type { Progress } from "./log-verify.ts";
import { writeArchive } from "./open-archive.ts";

/** A line that cannot be imported. Nothing was: an import is one transaction. */
export class LogImportError extends Error {
  override readonly name = "LogImportError";
  /** From 1. */
  readonly line: number;

  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}; nothing was imported`);
    this.line = line;
  }
}

type Line =
  | {
      readonly kind: "event";
      readonly event: Omit<DurableEvent, "place">;
      readonly seq: number;
      readonly stamp: Stamp;
    }
  | { readonly kind: "head"; readonly topic: Topic; readonly seq: number; readonly stamp: Stamp };

interface OpenTopic {
  readonly topic: Topic;
  readonly first: number;
  readonly firstStamp: Stamp;
  seq: number;
  stamp: Stamp;
}

/**
 * `lines` without their ends. Throws {@link LogImportError} where a line is not one of ours, and
 * where a topic has events in the log already.
 */
export function importLog(
  location: LogLocation,
  lines: AsyncIterable<string> | Iterable<string>,
  onProgress: (progress: Progress) => void = () => undefined,
): Promise<Progress> {
  return writeArchive(location, async (writer) => {
    const run = new ImportRun(writer);
    let number = 0;
    for await (const text of lines) {
      number++;
      if (number === 1) readHeader(text);
      else if (text !== "") await run.take(parseLine(text, number), number);
      if (number % ARCHIVE_BATCH === 0) onProgress(run.progress);
    }
    if (number === 0) throw new LogImportError(1, "there is no line at all");
    await run.end();
    onProgress(run.progress);
    return run.progress;
  });
}

class ImportRun {
  readonly progress = { topics: 0, events: 0 };
  readonly #writer: ArchiveWriter;
  readonly #done = new Set<Topic>();
  #open: OpenTopic | undefined;
  #batch: DurableEvent[] = [];

  constructor(writer: ArchiveWriter) {
    this.#writer = writer;
  }

  async take(line: Line, number: number): Promise<void> {
    const topic = line.kind === "event" ? line.event.topic : line.topic;
    if (line.kind === "head" || this.#open?.topic !== topic) await this.#begin(topic, line, number);
    if (line.kind === "head" || this.#open === undefined) return;
    if (line.seq !== this.#open.seq + 1)
      throw new LogImportError(number, `${topic} goes from ${this.#open.seq} to ${line.seq}`);
    if (line.stamp < this.#open.stamp)
      throw new LogImportError(number, "its stamp is below that of the event before it");
    this.#open.seq = line.seq;
    this.#open.stamp = line.stamp;
    this.#batch.push({
      ...line.event,
      place: { seq: line.seq, epoch: this.#writer.epoch, stamp: line.stamp },
    });
    this.progress.events++;
    if (this.#batch.length >= ARCHIVE_BATCH) await this.#flush();
  }

  async end(): Promise<void> {
    await this.#flush();
    if (this.#open !== undefined) await this.#writer.finish(this.#open);
    this.#open = undefined;
  }

  async #begin(topic: Topic, line: Line, number: number): Promise<void> {
    await this.end();
    if (this.#done.has(topic))
      throw new LogImportError(number, `the lines of ${topic} are not together`);
    if ((await this.#writer.seqOf(topic)) > 0)
      throw new LogImportError(number, `the log has events of ${topic} already`);
    this.#done.add(topic);
    this.progress.topics++;
    const { seq, stamp } = line;
    this.#open =
      line.kind === "head"
        ? { topic, first: seq + 1, firstStamp: stamp, seq, stamp }
        : { topic, first: seq, firstStamp: stamp, seq: seq - 1, stamp };
  }

  async #flush(): Promise<void> {
    if (this.#batch.length > 0) await this.#writer.write(this.#batch);
    this.#batch = [];
  }
}

function readHeader(text: string): void {
  const header = parseObject(text, 1);
  const version = header["ovation-log"];
  if (version === undefined) throw new LogImportError(1, "this is not an export of an Ovation log");
  if (version !== EXPORT_VERSION)
    throw new LogImportError(
      1,
      `format ${version} is not known here, only ${EXPORT_VERSION}; use a newer version`,
    );
}

function parseLine(text: string, number: number): Line {
  const object = parseObject(text, number);
  const topic = typeof object.topic === "string" ? parseTopic(object.topic) : undefined;
  if (topic === undefined) throw new LogImportError(number, "topic is not a topic");
  const { head } = object;
  if (typeof head === "object" && head !== null && !Array.isArray(head)) {
    const { seq, stamp } = head as { readonly seq?: Json; readonly stamp?: Json };
    return {
      kind: "head",
      topic,
      seq: countOf(seq, "head.seq", number, 1),
      stamp: countOf(stamp, "head.stamp", number),
    };
  }
  const { type } = object;
  // The text as it stands in the file: nothing is rounded or put in another order.
  const [data] = scanJson(text, { member: "data", unchecked: true });
  if (typeof type !== "string" || !(isEventType(type) || RESERVED_TYPES.has(type)))
    throw new LogImportError(number, "type is not a type");
  if (data === undefined) throw new LogImportError(number, "data is missing");
  return {
    kind: "event",
    event: { topic, type, at: countOf(object.at, "at", number), data },
    seq: countOf(object.seq, "seq", number, 1),
    stamp: countOf(object.stamp, "stamp", number),
  };
}

function parseObject(text: string, number: number): { readonly [key: string]: Json } {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    throw new LogImportError(number, "it is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new LogImportError(number, "it is not a JSON object");
  return value as { readonly [key: string]: Json };
}

function countOf(value: Json | undefined, name: string, number: number, least = 0): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  throw new LogImportError(number, `${name} is not a whole number from ${least}`);
}
