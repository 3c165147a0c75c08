import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startPostgres } from "./postgres.ts";

const NAME = "OVATION_TEST_CLOCK";

/** The environment that a process was started with. */
function environmentOf(pid: number): string {
  return readFileSync(`/proc/${pid}/environ`, "utf8");
}

test("the server has the environment, and the command that changes its user has not", async () => {
  const postgres = await startPostgres({}, [], { [NAME]: "1" });
  try {
    const file = join(postgres.directory, "data", "postmaster.pid");
    const server = Number(readFileSync(file, "utf8").split("\n")[0]);
    expect(environmentOf(server)).toContain(`${NAME}=1`);
    const [, parent] = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${server}/status`, "utf8")) ?? [];
    expect(environmentOf(Number(parent))).not.toContain(NAME);
  } finally {
    await postgres.stop();
  }
}, 60_000);

test("a start after a crash is written behind what the server said before", async () => {
  const postgres = await startPostgres();
  try {
    await postgres.halt("immediate");
    await postgres.resume();
    const said = await Bun.file(join(postgres.directory, "postgres.log")).text();
    expect(said.match(/ready to accept connections/g)?.length).toBe(2);
  } finally {
    await postgres.stop();
  }
}, 60_000);
