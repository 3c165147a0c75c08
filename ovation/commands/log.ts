/** `ovation log verify | export | import`: what operators do with a log. */

import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { verifyRows } from "@ovation/database";
import {
  exportLog,
  importLog,
  LogImportError,
  type LogLocation,
  LogUnavailableError,
  LogUnusableError,
  verifyLog,
} from "@ovation/log";
import { systemClock } from "@ovation/protocol";
import { type Command, Option } from "commander";
import { claimDataDirectory, keepPrivate } from "../data-directory.ts";
import { readTextLines } from "../logging/text-lines.ts";
import { fail, OperatorError } from "../operator-error.ts";
import { createProgressLine } from "../replay/progress-line.ts";
import { databaseSettings } from "../settings/cluster-settings.ts";
import { toOption } from "../settings/commander-option.ts";
import { dataSettings } from "../settings/start-settings.ts";
import { explainedDirectory } from "./run.ts";

/** An event's `data` is 64 KiB at most; escaped as JSON it may be six times as long. */
export const IMPORT_LINE_CHARACTERS_MAX = 1024 * 1024;

interface Options {
  readonly data: string;
  readonly database?: string;
}

export function addLogCommand(program: Command): void {
  const log = program.command("log").description("look after the log: verify, export, import");
  withLocation(
    log.command("verify").description("read everything and say what is wrong; changes nothing"),
  ).action((options: Options) => explained(() => verify(toLocation(options, true))));
  withLocation(
    log
      .command("export")
      .description("write everything as NDJSON, of one moment, also while it is in use"),
  )
    .addOption(new Option("--file <file>", "where to; - for standard output").default("-"))
    .action((options: Options & { readonly file: string }) =>
      explained(() => write(toLocation(options, true), options.file)),
    );
  withLocation(
    log
      .command("import")
      .description(
        "read what `export` wrote, into a log that has none of its topics; all or nothing",
      ),
  )
    .addOption(new Option("--file <file>", "where from; - for standard input").default("-"))
    .action((options: Options & { readonly file: string }) =>
      explained(() => readInto(options, options.file)),
    );
}

function withLocation(command: Command): Command {
  return command
    .addOption(toOption(dataSettings.dataDirectory))
    .addOption(
      toOption({ ...databaseSettings.database, help: "postgres://…, where the log is there" }),
    );
}

function toLocation({ data, database }: Options, existing: boolean): LogLocation {
  if (database !== undefined) return { url: database };
  const path = join(data, "log.sqlite");
  if (existing && !existsSync(path))
    fail(
      `there is no log at ${path}; name its directory with --data, or its database with --database`,
    );
  return { path };
}

async function verify(location: LogLocation): Promise<void> {
  const line = createProgressLine(process.stderr, systemClock);
  const report = await verifyLog(location, ({ topics, events }) =>
    line.show(`${count(events)} events of ${count(topics)} topics`),
  );
  line.end();
  console.log(
    `${count(report.events)} events of ${count(report.topics)} topics, ` +
      `${count(report.keys)} idempotency keys`,
  );
  for (const problem of report.problems) console.log(`  ✗ ${problem}`);
  if (report.problemCount > report.problems.length)
    console.log(`  … and ${count(report.problemCount - report.problems.length)} more`);
  const damagedStores = "path" in location ? verifyStores(dirname(location.path)) : 0;
  if (report.problemCount + damagedStores > 0) process.exit(1);
  console.log("whole");
}

/** The files beside the log; answers how many problems there are. */
function verifyStores(directory: string): number {
  let all = 0;
  for (const name of ["videos.sqlite", "members.sqlite"]) {
    const path = join(directory, name);
    if (!existsSync(path)) continue;
    const { rows, problems, problemCount } = verifyRows(path);
    console.log(`${count(rows)} rows of ${name}`);
    for (const problem of problems) console.log(`  ✗ ${path}: ${problem}`);
    if (problemCount > problems.length)
      console.log(`  … and ${count(problemCount - problems.length)} more`);
    all += problemCount;
  }
  return all;
}

async function write(location: LogLocation, file: string): Promise<void> {
  const line = createProgressLine(process.stderr, systemClock);
  const output = file === "-" ? process.stdout : createWriteStream(file, { mode: 0o600 });
  // The write's own callback reports the failure; without a listener the event ends the process.
  output.on("error", () => undefined);
  const done = await exportLog(
    location,
    (lines) =>
      new Promise<void>((resolve, reject) =>
        output.write(lines, (error) => (error ? reject(error) : resolve())),
      ),
    ({ topics, events }) => line.show(`${count(events)} events of ${count(topics)} topics`),
  );
  if (file !== "-") await new Promise<void>((resolve) => output.end(() => resolve()));
  line.end();
  console.error(`exported ${count(done.events)} events of ${count(done.topics)} topics`);
}

/** A server that has the directory open would not see what comes into it. */
async function readInto(options: Options, file: string): Promise<void> {
  keepPrivate();
  const directory =
    options.database === undefined
      ? explainedDirectory(() => claimDataDirectory(options.data))
      : undefined;
  await read(toLocation(options, false), file);
  directory?.release();
}

async function read(location: LogLocation, file: string): Promise<void> {
  if (file !== "-" && !existsSync(file)) fail(`there is no file ${file}`);
  const line = createProgressLine(process.stderr, systemClock);
  const lines = readTextLines(file === "-" ? process.stdin : createReadStream(file), {
    lineCharactersMax: IMPORT_LINE_CHARACTERS_MAX,
    tooLong: (number) =>
      new LogImportError(number, `it has more than ${IMPORT_LINE_CHARACTERS_MAX} characters`),
  });
  const done = await importLog(location, lines, ({ topics, events }) =>
    line.show(`${count(events)} events of ${count(topics)} topics`),
  );
  line.end();
  console.error(`imported ${count(done.events)} events of ${count(done.topics)} topics`);
}

/** Errors that an operator can fix are a sentence. */
async function explained(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    const known =
      error instanceof LogImportError ||
      error instanceof LogUnusableError ||
      error instanceof LogUnavailableError;
    if (known) fail(error.message);
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    if (code === "EPIPE") fail("the reader of the output is gone; the export is not complete");
    if (code !== undefined && syscall !== undefined) fail(`the file cannot be used: ${message}`);
    throw error;
  }
}

function count(number: number): string {
  return number.toLocaleString("en-US");
}
