/** `ovation log …` as operators run it: processes, files and pipes. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres, type TestPostgres } from "../../testing/postgres.ts";
import { IMPORT_LINE_CHARACTERS_MAX } from "./log.ts";

setDefaultTimeout(60_000);

const COMMAND = join(import.meta.dir, "../bin/ovation");
const EVENTS = 6_000;

let directory: string;
let postgres: TestPostgres;
let exported: string;
let targets = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ovation-log-command-"));
  postgres = await startPostgres();
  exported = join(directory, "export.ndjson");
  writeFileSync(exported, exportOf(EVENTS));
});
afterAll(async () => {
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** What `ovation log export` writes for one topic. */
function exportOf(events: number): string {
  const lines = ['{"ovation-log":1}'];
  for (let seq = 1; seq <= events; seq++) {
    const event = { topic: "video:moved", seq, type: "comment", at: 1000 + seq };
    lines.push(JSON.stringify({ ...event, epoch: "a", stamp: 1000 + seq, data: { seq } }));
  }
  return `${lines.join("\n")}\n`;
}

async function shell(script: string) {
  const child = Bun.spawn(["sh", "-c", script], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { output, errors, exitCode };
}

const stores = {
  SQLite: async () => `--data ${join(directory, `data${++targets}`)}`,
  PostgreSQL: async () => `--database ${await postgres.createDatabase(`moved${++targets}`)}`,
};

const inputs: Readonly<Record<string, (command: string) => string>> = {
  "from --file": (command) => `${command} --file ${exported}`,
  "from a redirected file": (command) => `${command} < ${exported}`,
  "from a pipe": (command) => `cat ${exported} | ${command}`,
  "from a pipe that begins late": (command) => `(sleep 2; cat ${exported}) | ${command}`,
  "from a pipe that trickles": (command) =>
    `(head -c 50000 ${exported}; sleep 1; tail -c +50001 ${exported}) | ${command}`,
};

describe.each(Object.entries(stores))("log import into %s", (_, locate) => {
  test.each(Object.entries(inputs))("%s: every event arrives and verifies", async (_, from) => {
    const target = await locate();
    const imported = await shell(from(`sh ${COMMAND} log import ${target}`));
    expect(imported.errors).toContain("imported 6,000 events of 1 topics");
    expect(imported.exitCode).toBe(0);
    const verified = await shell(`sh ${COMMAND} log verify ${target}`);
    expect(verified.output).toContain("6,000 events of 1 topics");
    expect(verified.output).toContain("whole");
  });

  test("what is no export is refused with the line, and nothing is stored", async () => {
    const target = await locate();
    const bad = join(directory, "bad.ndjson");
    writeFileSync(bad, `${exportOf(10)}{"topic":"video:moved","seq":12}\n`);
    const imported = await shell(`sh ${COMMAND} log import ${target} < ${bad}`);
    expect(imported.exitCode).toBe(1);
    expect(imported.errors).toContain("line 12: type is not a type; nothing was imported");
    expect(imported.errors).not.toContain("    at ");
    const verified = await shell(`sh ${COMMAND} log verify ${target}`);
    expect(verified.output).toContain("0 events of 0 topics");
  });

  test("a line without an end is refused when it passes the bound", async () => {
    const target = await locate();
    const imported = await shell(
      `(head -n 1 ${exported}; head -c 3000000 /dev/zero | tr '\\0' a) | ` +
        `sh ${COMMAND} log import ${target}`,
    );
    expect(imported.exitCode).toBe(1);
    expect(imported.errors).toContain(
      `line 2: it has more than ${IMPORT_LINE_CHARACTERS_MAX} characters`,
    );
  });
});

test("the documented move: export of SQLite goes through a pipe into PostgreSQL", async () => {
  const from = await stores.SQLite();
  const to = await stores.PostgreSQL();
  await shell(`sh ${COMMAND} log import ${from} --file ${exported}`);
  const moved = await shell(`sh ${COMMAND} log export ${from} | sh ${COMMAND} log import ${to}`);
  expect(moved.errors).toContain("exported 6,000 events of 1 topics");
  expect(moved.errors).toContain("imported 6,000 events of 1 topics");
  const again = await shell(`sh ${COMMAND} log export ${to} | tail -n +2 | wc -l`);
  expect(again.output.trim()).toBe("6000");
});

test("a file that cannot be used and a reader that is gone are sentences, not stacks", async () => {
  const from = await stores.SQLite();
  await shell(`sh ${COMMAND} log import ${from} --file ${exported}`);
  const commands = {
    "no directory": `sh ${COMMAND} log export ${from} --file ${directory}/none/x.ndjson`,
    "a directory as output": `sh ${COMMAND} log export ${from} --file ${directory}`,
    "a full disk": `sh ${COMMAND} log export ${from} --file /dev/full`,
    "a directory as input": `sh ${COMMAND} log import ${await stores.SQLite()} --file ${directory}`,
    "a gone reader": `sh ${COMMAND} log export ${from} 3>&1 >&- | true; exit 1`,
    "a reader of one line": `(sh ${COMMAND} log export ${from}; echo "rc $?" >&2) | head -n 1`,
  };
  for (const [name, command] of Object.entries(commands)) {
    const { errors } = await shell(command);
    expect({ name, errors }).toEqual({ name, errors: expect.not.stringContaining("    at ") });
  }
  const cut = await shell(commands["a reader of one line"]);
  expect(cut.errors).toContain("the export is not complete");
  expect(cut.errors).toContain("rc 1");
});
