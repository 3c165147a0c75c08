/** One data directory belongs to one server. Real processes. */

import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server } from "../testing/server.ts";
import { until } from "../testing/until.ts";
import {
  CLAIM_MS_MAX,
  claimDataDirectory,
  DataDirectoryError,
  tightenDirectory,
} from "./data-directory.ts";

setDefaultTimeout(60_000);

const COMMAND = join(import.meta.dir, "bin/ovation");
const directory = mkdtempSync(join(tmpdir(), "ovation-data-"));
const running: Bun.Subprocess[] = [];
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

/** Starts a server; resolves with its process when it says that it is ready, or has ended. */
async function start(data: string, ...flags: readonly string[]) {
  const child = Bun.spawn(["sh", COMMAND, "start", "--port", "0", "--data", data, ...flags], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  running.push(child);
  let output = "";
  let errors = "";
  const read = async (
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    take: (text: string) => void,
  ) => {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) take(chunk);
  };
  const done = Promise.all([
    read(child.stdout, (text) => {
      output += text;
    }),
    read(child.stderr, (text) => {
      errors += text;
    }),
    child.exited,
  ]);
  await until(() => child.exitCode !== null || /http:\/\/\S+:[0-9]+/.test(output + errors));
  return { child, done, text: () => output + errors };
}

test("a second server on one directory ends with a sentence; the first continues", async () => {
  const data = join(directory, "shared");
  const first = await start(data);
  const second = await start(data);
  await second.done;
  expect(second.child.exitCode).toBe(1);
  expect(second.text()).toContain("another Ovation server (process ");
  expect(second.text()).toContain("Stop that one, or give this one a directory of its own");
  expect(second.text()).not.toContain("    at ");
  const withWorkers = await start(data, "--workers", "2");
  await withWorkers.done;
  expect(withWorkers.text()).toContain("another Ovation server");
  expect(first.child.exitCode).toBeNull();
});

test("an import into the directory of a running server is refused", async () => {
  const data = join(directory, "imported");
  await start(data);
  const child = Bun.spawn(["sh", COMMAND, "log", "import", "--data", data], {
    stdin: new Blob(['{"ovation-log":1}\n']),
    stderr: "pipe",
  });
  expect(await new Response(child.stderr).text()).toContain("another Ovation server");
  expect(await child.exited).toBe(1);
});

test("after kill -9 the directory is free at once", async () => {
  const data = join(directory, "killed");
  const first = await start(data);
  first.child.kill("SIGKILL");
  await first.child.exited;
  // `sh` execs the runtime, so the process that was killed is the one that held the lock.
  const next = await start(data);
  expect(next.child.exitCode).toBeNull();
});

test("a server that is being restarted hands its directory over", async () => {
  const data = join(directory, "restarted");
  const first = await start(data, "--drain-seconds", "1");
  first.child.kill("SIGTERM");
  const next = await start(data);
  expect(next.child.exitCode).toBeNull();
  await first.done;
  expect(first.child.exitCode).toBe(0);
});

describe("a directory that cannot be one", () => {
  const file = join(directory, "file");
  writeFileSync(file, "");
  const cases: Readonly<Record<string, string>> = {
    "a file stands there": file,
    "a file stands above it": join(file, "below"),
    "the system does not let it be made": "/proc/none/data",
  };
  test.each(Object.entries(cases))("%s: a sentence, no stack", async (_, path) => {
    for (const flags of [[], ["--workers", "2"]]) {
      const { child, done, text } = await start(path, ...flags);
      await done;
      expect(child.exitCode).toBe(1);
      expect(text()).toMatch(/the data directory \S+ cannot be (made|written to)/);
      expect(text()).not.toContain("    at ");
    }
  });
});

test("the directory and what is in it are the user's own", () => {
  const path = join(directory, "own");
  const claimed = claimDataDirectory(path);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(() => claimDataDirectory(path, 10)).toThrow(DataDirectoryError);
  claimed.release();
  expect(existsSync(join(path, "server.pid"))).toBe(false);
  claimDataDirectory(path).release();
});

describe("what is in a data directory is for the server's user alone", () => {
  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

  test("whatever the umask, and also what an earlier version or a copy left readable", async () => {
    const data = join(directory, "private");
    // As under the usual umask.
    const before = process.umask(0o022);
    try {
      mkdirSync(data, { mode: 0o755 });
      for (const name of ["members.sqlite", "log.sqlite-wal", "secret"])
        writeFileSync(join(data, name), name === "secret" ? `${"s".repeat(40)}\n` : "", {
          mode: 0o644,
        });
      const server = await Server.start({
        flags: ["--data", data, "--log-level", "warn"],
        environment: { OVATION_SECRET: undefined },
      });
      await fetch(`${server.url}/v1/videos/a/likes`, { method: "POST", body: "{}" });
      const names = readdirSync(data);
      expect(names).toContain("log.sqlite");
      expect(names).toContain("videos.sqlite");
      for (const name of names) expect([name, modeOf(join(data, name))]).toEqual([name, "600"]);
      expect(modeOf(data)).toBe("700");
      expect(server.output).toContain("other users of this machine could read these");
      expect(server.output).toContain(join(data, "members.sqlite"));
      await server.stop();

      const exported = join(directory, "export.ndjson");
      const log = Bun.spawnSync([
        "sh",
        COMMAND,
        "log",
        "export",
        "--data",
        data,
        "--file",
        exported,
      ]);
      expect([log.exitCode, modeOf(exported)]).toEqual([0, "600"]);
      const into = join(directory, "imported");
      Bun.spawnSync(["sh", COMMAND, "log", "import", "--data", into, "--file", exported]);
      expect([modeOf(into), modeOf(join(into, "log.sqlite"))]).toEqual(["700", "600"]);
    } finally {
      process.umask(before);
    }
  });

  test("a directory that holds other things as well stays as it is, but for our files", () => {
    const data = join(directory, "mixed");
    mkdirSync(data, { mode: 0o755 });
    chmodSync(data, 0o755);
    for (const name of ["secret", "photo.jpg"]) {
      writeFileSync(join(data, name), "");
      chmodSync(join(data, name), 0o644);
    }
    symlinkSync(join(data, "photo.jpg"), join(data, "log.sqlite"));
    expect(tightenDirectory(data)).toEqual([join(data, "secret")]);
    expect([modeOf(data), modeOf(join(data, "photo.jpg"))]).toEqual(["755", "644"]);
  });
});

test("CLAIM_MS_MAX: a server waits so long for another one's directory", () => {
  const data = join(directory, "waited-for");
  const first = claimDataDirectory(data);
  const short = CLAIM_MS_MAX / 10;
  for (const [waitMs, claim] of [
    [short, () => claimDataDirectory(data, short)],
    [CLAIM_MS_MAX, () => claimDataDirectory(data)],
  ] as const) {
    const startedAt = performance.now();
    expect(claim).toThrow("another Ovation server");
    expect(performance.now() - startedAt).toBeWithin(waitMs * 0.8, waitMs * 2 + 500);
  }
  first.release();
  claimDataDirectory(data).release();
}, 15_000);
