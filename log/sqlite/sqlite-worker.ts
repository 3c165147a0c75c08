/** The worker's end of `sqlite-protocol.ts`: one request after the other, an answer to each. */

import { SQLiteError } from "bun:sqlite";
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { kindOfSqliteError } from "@ovation/database";
import { DISK_ROOM_BYTES_MIN } from "../limits.ts";
import { LogFullError, LogUnusableError } from "../log.ts";
import { unusableFrom } from "./log-file.ts";
import type { WriterAnswer, WriterFailure, WriterRequest } from "./sqlite-protocol.ts";

import { SqliteWriter } from "./sqlite-writer.ts";

declare const self: Worker;

let opened: string | undefined;
let writer: SqliteWriter | undefined;

self.onmessage = (event: MessageEvent<string>): void => {
  const request: WriterRequest = JSON.parse(event.data);
  self.postMessage(JSON.stringify(answerTo(request)));
};

function answerTo(request: WriterRequest): WriterAnswer {
  try {
    return { ok: true, answer: run(request) ?? null };
  } catch (error) {
    return { ok: false, failure: failureFrom(error) };
  }
}

function run(request: WriterRequest): unknown {
  if (request.kind === "open") {
    opened = request.path;
    writer = new SqliteWriter(request.path);
    return null;
  }
  if (request.kind === "close") {
    writer?.close();
    writer = undefined;
    opened = undefined;
    return null;
  }
  if (opened === undefined) throw new Error(`the writer got ${request.kind} before it was opened`);
  // After an I/O error the connection was given up; this is the next attempt.
  writer ??= new SqliteWriter(opened);
  switch (request.kind) {
    case "commit":
      return writer.commit(request.now, request.calls);
    case "trim-keys":
      return writer.trimKeys(request.before, request.limit);
    case "trim-events":
      return writer.trimEvents(request.step);
    case "clear":
      return writer.clear(request.topic, request.below, request.limit);
    case "probe":
      return probe(writer, opened);
  }
}

/** Whether the write lock can be had, and the disk has room: no byte is written. */
function probe(sqlite: SqliteWriter, path: string): void {
  sqlite.probe();
  if (isDiskFull(path))
    throw new LogFullError(`the disk of ${path} is full; nothing can be stored`);
}

function failureFrom(error: unknown): WriterFailure {
  if (error instanceof LogFullError) return { kind: "full", message: error.message };
  if (error instanceof LogUnusableError) return { kind: "unusable", message: error.message };
  const path = opened ?? "unopened";
  const unusable = unusableFrom(error, path);
  if (unusable !== undefined) return { kind: "unusable", message: unusable.message };
  if (error instanceof Error && "syscall" in error) {
    return {
      kind: "unusable",
      message:
        `the log ${path} cannot be opened (${error.message}). ` +
        "Check --data and its permissions",
    };
  }
  if (!(error instanceof SQLiteError))
    return { kind: "internal", message: error instanceof Error ? `${error.stack}` : String(error) };

  const code = error.code ?? "";
  const kind = kindOfSqliteError(error);
  if (kind === "full")
    return { kind: "full", message: `the disk of ${path} is full; nothing was stored` };
  if (kind === "io") {
    // What a connection has in memory is not to be trusted after a failed write or fsync.
    writer?.close();
    writer = undefined;
    if (isDiskFull(path))
      return { kind: "full", message: `the disk of ${path} is full (${code}); nothing was stored` };
  }
  return {
    kind: "unavailable",
    message: `the log ${path} cannot be written (${code}: ${error.message}); nothing was stored`,
  };
}

function isDiskFull(path: string): boolean {
  try {
    const disk = statfsSync(dirname(path));
    return disk.bavail * disk.bsize < DISK_ROOM_BYTES_MIN;
  } catch {
    // The directory itself is gone: not a matter of room.
    return false;
  }
}
