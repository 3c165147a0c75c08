/**
 * What `/readyz` says when the log takes no comments: in one process, and with workers. Real
 * servers and files.
 */

import { Database } from "bun:sqlite";
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Server } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { healthOf } from "../cluster/testing/health.ts";

setDefaultTimeout(60_000);

let server: Server;
afterEach(() => server.stop());

const FORMS: Readonly<Record<string, readonly string[]>> = {
  "one process": [],
  "two workers": ["--workers", "2"],
};

describe.each(Object.entries(FORMS))("with %s", (_, flags) => {
  test("a log that another program locks: degraded with the reason, ready afterwards", async () => {
    server = await Server.start({ flags });
    expect((await healthOf(server.url)).answer).toBe("ready");
    const lock = new Database(join(server.directory, "data", "log.sqlite"));
    lock.run("BEGIN IMMEDIATE");
    await until(
      async () => (await healthOf(server.url)).answer === "degraded",
      "it says that it cannot store",
      15_000,
    );
    const health = await healthOf(server.url);
    expect(health).toMatchObject({ status: 200, alive: true, up: { log: 0 } });
    expect(health.text).toContain("the log is away");
    await until(
      async () => (await healthOf(server.url)).text.includes("log.sqlite cannot be written"),
      "it says what cannot be written",
      10_000,
    );
    lock.run("ROLLBACK");
    lock.close();
    await until(
      async () => (await healthOf(server.url)).answer === "ready",
      "it is ready again",
      30_000,
    );
    expect((await healthOf(server.url)).up["log"]).toBe(1);
  });

  test("a full disk: degraded with the reason, one log line, ready with room", async () => {
    server = await Server.start({ flags: [...flags, "--rate-limits", "off"], diskMegabytes: 12 });
    const ballast = join(server.disk, "ballast");
    for (let size = 8 * 1024 * 1024; size >= 4096; size /= 2) {
      try {
        for (let part = 0; ; part++)
          writeFileSync(`${ballast}${size}-${part}`, Buffer.alloc(size), { flag: "wx" });
      } catch {
        // Smaller pieces until nothing fits.
      }
    }
    await until(
      async () => (await healthOf(server.url)).answer === "degraded",
      "it says that the disk is full",
      15_000,
    );
    expect((await healthOf(server.url)).text).toMatch(/disk of \S*log\.sqlite is full/);
    await Bun.sleep(3_000);
    expect(server.output.match(/the log is away, trying again/g)).toHaveLength(1);
    for (const file of new Bun.Glob("ballast*").scanSync(server.disk))
      rmSync(join(server.disk, file));
    await until(
      async () => (await healthOf(server.url)).answer === "ready",
      "it is ready again",
      30_000,
    );
  });
});

test("a worker that is killed before it was ready is started again", async () => {
  const starting = Server.start({ flags: ["--workers", "2"] });
  const killed = new Set<number>();
  const deadline = Date.now() + 10_000;
  while (killed.size < 3 && Date.now() < deadline) {
    for (const pid of workersBelow(process.pid)) {
      if (killed.has(pid)) continue;
      killed.add(pid);
      process.kill(pid, "SIGKILL");
    }
    await Bun.sleep(1);
  }
  expect(killed.size).toBeGreaterThan(0);
  server = await starting;
  expect((await healthOf(server.url)).answer).toBe("ready");
  expect(server.output).toContain("starting the worker again");
  expect(server.output).not.toContain("uncaught exception");
});

/** Workers among the descendants of a process: other tests have some too. */
function workersBelow(ancestor: number): readonly number[] {
  const parents = new Map<number, number>();
  const workers: number[] = [];
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      parents.set(pid, Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
      if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("ovation/roles/worker.ts"))
        workers.push(pid);
    } catch {
      // It has ended meanwhile.
    }
  }
  return workers.filter((worker) => {
    let parent: number | undefined = worker;
    while (parent !== undefined && parent > 1 && parent !== ancestor) parent = parents.get(parent);
    return parent === ancestor;
  });
}
