/**
 * What the program says of settings that are empty, malformed or unsafe: a sentence, never a stack.
 */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signToken } from "../tokens/mod.ts";

const COMMAND = join(import.meta.dir, "../bin/ovation");
const SECRET = "0123456789abcdef0123";
const INTERNAL = "abcdef0123456789abcd";
const CLUSTER = { OVATION_SECRET: SECRET, OVATION_INTERNAL_SECRET: INTERNAL };
const STORES = {
  OVATION_TABLE: "redis://127.0.0.1:1",
  OVATION_DATABASE: "postgres://user:geheim-7f3a@127.0.0.1:1/name",
};

const directory = mkdtempSync(join(tmpdir(), "ovation-settings-"));
const data = join(directory, "data");
const file = join(directory, "a-file");
writeFileSync(file, "nothing of use");
mkdirSync(join(directory, "short"));
writeFileSync(join(directory, "short", "secret"), "abc\n");
writeFileSync(join(directory, "old"), "abc\n");
writeFileSync(join(directory, "policy.yaml"), "tokens: { acceptedSecrets: [old] }\n");
afterAll(() => rmSync(directory, { recursive: true }));

type Environment = Readonly<Record<string, string>>;

async function run(words: readonly string[], environment: Environment = {}) {
  const child = Bun.spawn(["sh", COMMAND, ...words], {
    env: { PATH: process.env.PATH ?? "", OVATION_DATA: data, ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  // A process that accepts what it should refuse would run for ever.
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const [output, said] = await Promise.all([
    Bun.readableStreamToText(child.stdout),
    Bun.readableStreamToText(child.stderr),
  ]);
  clearTimeout(timer);
  return { code: await child.exited, output, said };
}

/** Refused at once, with a sentence that holds `part`, without a stack and without a secret. */
async function refused(part: string, words: readonly string[], environment: Environment = {}) {
  const { code, output, said } = await run(words, environment);
  expect({ words, code, said, holds: said.includes(part) }).toMatchObject({ code: 1, holds: true });
  expect(output).toBe("");
  expect(said).not.toMatch(/\n\s+at |"stack"|\.ts:\d/);
  expect(said).not.toContain("geheim");
}

/** Two at once: the test is mostly the runtime's start. */
async function inPairs(runs: readonly (() => Promise<void>)[]): Promise<void> {
  for (let index = 0; index < runs.length; index += 2)
    await Promise.all(runs.slice(index, index + 2).map((each) => each()));
}

const START = ["start", "--port", "0"];
const FRONTEND = ["frontend", "--port", "0", "--dispatcher", "http://127.0.0.1:1"];
const DISPATCHER = ["dispatcher", "--port", "0"];
const COMMENTS = ["comments", "--port", "0", "--dispatcher", "http://127.0.0.1:1"];

describe("secrets", () => {
  const SHORT = "shorter than 16 bytes";

  test("under 16 bytes they are refused, by every command, from wherever they come", async () => {
    for (const words of [START, FRONTEND, DISPATCHER, COMMENTS, ["token", "--sub", "a"]])
      await refused(SHORT, words, { ...CLUSTER, ...STORES, OVATION_SECRET: "a" });
    await refused(SHORT, ["token", "--sub", "a", "--secret", "x".repeat(15)]);
    await refused(join(directory, "short", "secret"), [
      ...START,
      "--data",
      join(directory, "short"),
    ]);
    await refused("acceptedSecrets.0", [...START, "--policy", join(directory, "policy.yaml")]);
    for (const words of [FRONTEND, DISPATCHER, COMMENTS])
      await refused(SHORT, words, { ...CLUSTER, ...STORES, OVATION_INTERNAL_SECRET: "short" });
    // Bytes count, and each of several.
    await refused(SHORT, FRONTEND, { ...CLUSTER, OVATION_INTERNAL_SECRET: `${INTERNAL},short` });
    expect((await run(["token", "--sub", "a", "--secret", "äöüäöüäö"])).code).toBe(0);
  }, 60_000);

  test("equal ones are refused: who signs tokens gives no orders to processes", async () => {
    for (const words of [FRONTEND, DISPATCHER, COMMENTS])
      await refused("are the same", words, {
        ...CLUSTER,
        ...STORES,
        OVATION_INTERNAL_SECRET: SECRET,
      });
    await refused("are the same", FRONTEND, {
      ...CLUSTER,
      OVATION_INTERNAL_SECRET: `${INTERNAL},${SECRET}`,
    });
  }, 30_000);

  test("an empty variable counts as absent: made where possible, else asked for", async () => {
    const { code, output } = await run(["token", "--sub", "a"], { OVATION_SECRET: "" });
    expect([code, output.split(".").length]).toEqual([0, 3]);
    // The same one as without the variable.
    expect((await run(["token", "--sub", "a"])).output.split(".")[0]).toBe(
      output.split(".")[0] ?? "",
    );
    for (const words of [FRONTEND, DISPATCHER, COMMENTS]) {
      await refused("set OVATION_SECRET", words, { ...CLUSTER, ...STORES, OVATION_SECRET: "" });
      await refused("set OVATION_INTERNAL_SECRET", words, {
        ...CLUSTER,
        ...STORES,
        OVATION_INTERNAL_SECRET: " , ",
      });
    }
  }, 30_000);

  test("a token cannot be signed for longer than a timer can wait", async () => {
    await refused("at most 36500d", ["token", "--sub", "a", "--ttl", "9".repeat(30)]);
    await refused("is not 1 to 128 of", ["token", "--sub", "a b"]);
    expect(await signToken(SECRET, { sub: "a" }, 60)).toBeString();
  });
});

describe("every other setting", () => {
  /** Each command's options, as its help names them. */
  async function variablesOf(command: string): Promise<readonly string[]> {
    const { output } = await run([command, "--help"]);
    return [...output.matchAll(/OVATION_[A-Z_]+/g)].map(([name]) => name);
  }

  test("that is empty in the environment is refused with its name", async () => {
    // Boolean switches and secrets have a meaning of their own for it.
    const exempt = new Set(["OVATION_DEMO", "OVATION_SECRET", "OVATION_INTERNAL_SECRET"]);
    const known = { ...CLUSTER, ...STORES, OVATION_DISPATCHER: "http://127.0.0.1:1" };
    let count = 0;
    for (const command of ["start", "frontend", "dispatcher", "comments"]) {
      // Each once: an option is the same in all commands that have it.
      const names = [...new Set(await variablesOf(command))].filter((name) => !exempt.has(name));
      for (const name of names) exempt.add(name);
      count += names.length;
      for (let index = 0; index < names.length; index += 4)
        await Promise.all(
          names
            .slice(index, index + 4)
            .map((name) => refused(name, [command], { ...known, [name]: "" })),
        );
    }
    expect(count).toBeGreaterThan(25);
  }, 120_000);

  test("that is malformed is refused in words that say what is wanted", async () => {
    const started: (() => Promise<void>)[] = [];
    for (const [part, ...words] of [
      ["a port is a number", "--port", "80x"],
      ["a port is a number", "--port", "65536"],
      ["needs an address of this machine", "--host", "999.1.1.1"],
      ["needs an address of this machine", "--host", "http://localhost"],
      ["needs an address of this machine", "--host", "192.0.2.1"],
      ["needs an address of this machine", "--host", "nonsense.invalid"],
      ["needs an address of this machine", "--host", "192.0.2.1", "--workers", "2"],
      ["from 1 to 512", "--workers", "100000"],
      ["a number of seconds", "--drain-seconds", "1e9"],
      ["a number of seconds", "--drain-seconds", "Infinity"],
      ["above 0", "--heartbeat-seconds", "0"],
      ["above 0", "--lifetime-minutes", "99999999"],
      ["whole number", "--connections-max", "1.5"],
      ["10.0.0.0/8", "--trusted-proxies", "proxy.example"],
      ["cannot be read (ENOENT)", "--policy", join(directory, "none.yaml")],
      ["cannot be read (EISDIR)", "--policy", directory],
      ["go together", "--tls-cert", file],
      ["holds no certificate", "--tls-cert", file, "--tls-key", file],
      ["cannot be read (EISDIR)", "--tls-cert", directory, "--tls-key", directory],
      ["data directory", "--data", file],
      ["data directory", "--data", join(file, "x")],
      ["data directory", "--data", "/proc/ovation", "--secret", SECRET],
    ] as const)
      started.push(() => refused(part, [...START, ...words]));
    await inPairs(started);
    for (const [part, ...words] of [
      ["http://host:port", "--dispatcher", "nonsense"],
      ["http://host:port", "--internal-url", "nonsense"],
      ["--internal-host", "--internal-host", "192.0.2.1"],
      ["holds no certificate", "--internal-tls-cert", file, "--internal-tls-key", file],
      ["cannot be read", "--internal-tls-cert", `${file}-`, "--internal-tls-key", `${file}-`],
    ] as const)
      await refused(part, [...FRONTEND, ...words], CLUSTER);
    await refused("postgres://user:password@host/name", ["log", "verify"], {
      OVATION_DATABASE: "geheim",
    });
    await refused("--database needs", DISPATCHER, {
      ...CLUSTER,
      ...STORES,
      OVATION_DATABASE: "postgres://user:geheim@",
    });
    await refused("redis://host:port", DISPATCHER, {
      ...CLUSTER,
      ...STORES,
      OVATION_TABLE: "redis://user:geheim@",
    });
  }, 120_000);

  test("a switch is off in the environment as it is on", async () => {
    const { code } = await run(["token", "--sub", "a"], { OVATION_DEMO: "off" });
    expect(code).toBe(0);
  });
});
