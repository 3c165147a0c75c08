/**
 * Every command of the documentation and of `--help` is run here as it is written, or by the test
 * that is named for it. A new command without either fails.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres, type TestPostgres } from "../testing/postgres.ts";
import { Server } from "../testing/server.ts";
import { until } from "../testing/until.ts";

const ROOT = join(import.meta.dir, "..");
const COMMAND = `sh ${ROOT}/ovation/bin/ovation`;
const PROGRAMS = new RegExp(
  "^(npm|npx|ovation(?!:)|sh|curl|openssl|systemctl|until|sleep|for|mkdir|" +
    "pg_dump|pg_restore|createdb|TOKEN=)",
);

/** Commands that a test of their own runs: the file, and what in it shows so. */
const HELD_ELSEWHERE: readonly (readonly [command: RegExp, file: string, shows: string])[] = [
  [/^npm ci$/, "scripts/tidy.test.ts", "npm ci refuses it"],
  [/^(npm start|ovation start --demo)\b/, "web/browser-tests/pages.browser.ts", `"--demo"`],
  // `npm test` runs this test, and the stages of types and lint beside it.
  [/^npm test( -- --only types,lint)?$/, "scripts/test.ts", `["types", "lint"`],
  [/^ovation start --rate-limits off &$/, "load/load.test.ts", "test("],
  [/^ovation load /, "load/load.test.ts", "test("],
  [/^systemctl reload /, "ovation/system-tests/reload.test.ts", `"SIGHUP"`],
  [/^systemctl restart /, "deploy/supervisors.test.ts", "test("],
  [/^(until curl -sf|sleep 5)/, "ovation/system-tests/readiness.test.ts", "/readyz"],
];

interface Written {
  readonly command: string;
  readonly where: string;
}

/** Commands in fenced blocks, whole: lines that end with a backslash are one. */
function commandsOf(file: string): readonly Written[] {
  const found: Written[] = [];
  let fence: string | undefined;
  let text = "";
  for (const line of readFileSync(join(ROOT, file), "utf8").split("\n")) {
    const opened = /^ *```(\w*)/.exec(line);
    if (opened !== null) {
      fence = fence === undefined ? opened[1] : undefined;
      continue;
    }
    if (fence === undefined || !["", "sh", "bash", "console", "shell"].includes(fence)) continue;
    text += line.trim();
    if (text.endsWith("\\")) {
      text = text.slice(0, -1);
      continue;
    }
    const command = text.replace(/\s+# .*$/, "").replace(/ {3,}.*$/, "");
    text = "";
    if (PROGRAMS.test(command)) found.push({ command, where: file });
  }
  return found;
}

const documents = [
  ...["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "deploy/README.md"],
  ...["docs", "docs/operating", "docs/decisions"].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${folder}/${name}`),
  ),
].filter((file) => existsSync(join(ROOT, file)));

const written = documents.flatMap(commandsOf);
const directory = mkdtempSync(join(tmpdir(), "ovation-documents-"));
const ran = new Set<string>();
let server: Server;
let postgres: TestPostgres;
beforeAll(async () => {
  [server, postgres] = await Promise.all([
    Server.start({ rateLimits: "off", environment: { OVATION_SECRET: undefined } }),
    startPostgres(),
  ]);
}, 60_000);
afterAll(async () => {
  await Promise.all([server.stop(), postgres.stop()]);
  rmSync(directory, { recursive: true, force: true });
}, 30_000);

/** As it is written, at the server and the directories of this test. */
function spawnScript(script: string, cwd: string) {
  const text = script
    .replaceAll(
      /(^|[;&(] ?|do |timeout \d+ |exec |\) )(npx )?ovation (?=[a-z$-])/gm,
      `$1${COMMAND} `,
    )
    .replaceAll("http://localhost:8080", server.url);
  return Bun.spawn(["bash", "-ec", text], {
    cwd,
    env: { ...process.env, OVATION_DATA: join(server.directory, "data"), OVATION_URL: server.url },
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** One command that runs until `end`. */
function start(script: string) {
  const child = spawnScript(`exec ${script}`, ROOT);
  let output = "";
  const reading = [child.stdout, child.stderr].map(async (stream) => {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) output += chunk;
  });
  return {
    output: () => output,
    async end() {
      child.kill("SIGTERM");
      await Promise.all([child.exited, ...reading]);
    },
  };
}

async function run(script: string, cwd = ROOT) {
  const child = spawnScript(script, cwd);
  const outputs = [child.stdout, child.stderr].map((stream) => new Response(stream).text());
  const [output = "", errors = ""] = await Promise.all(outputs);
  return { output, errors, code: await child.exited };
}

/** The commands of a document that `pattern` takes; they count as run. */
function take(file: string, pattern: RegExp): string {
  const taken = written.filter(({ where, command }) => where === file && pattern.test(command));
  expect(taken.length).toBeGreaterThan(0);
  for (const { command } of taken) ran.add(command);
  return taken.map(({ command }) => command).join("\n");
}

test("README: a token, an event and the stream that shows it", async () => {
  const stream = start(take("README.md", /^curl -N/));
  await until(() => stream.output().includes("event: connection"));
  const { code, errors } = await run(take("README.md", /^(TOKEN=|curl http.*publish)/));
  expect([code, errors.includes("error")]).toEqual([0, false]);
  await until(() => stream.output().includes('"team":"blue"'));
  await stream.end();
}, 20_000);

test("README, docs/replay.md: a recorded chat", async () => {
  const command = take("docs/replay.md", /ovation replay/);
  expect(take("README.md", /ovation replay/)).toBe(command);
  const { code, output } = await run(`timeout 60 ${command.replace("--speed 10", "--speed max")}`);
  expect([code, output]).toEqual([0, expect.stringContaining("comments by")]);
}, 70_000);

test("CONTRIBUTING: the server without the demo, and help", async () => {
  expect((await run(take("CONTRIBUTING.md", /--help$/))).output).toContain("Usage: ovation");
  const command = take("CONTRIBUTING.md", /ovation start/).replace("/tmp/x", join(directory, "x"));
  const started = start(command.replace("8081", "0"));
  await until(() => /http:\/\/\S+:[0-9]+/.test(started.output()));
  await started.end();
  expect(started.output()).not.toContain("error");
  expect(existsSync(join(directory, "x", "log.sqlite"))).toBe(true);
}, 20_000);

test("CONTRIBUTING: the tests of one file, and of one path, pass by themselves", async () => {
  const commands = take("CONTRIBUTING.md", /^(npm test -- --only bun |sh ovation\/bin\/bun test )/);
  for (const command of commands.split("\n")) {
    const { code, output, errors } = await run(command);
    expect([command, code, `${output}${errors}`]).toEqual([
      command,
      0,
      expect.stringMatching(/[1-9]\d* pass/),
    ]);
  }
}, 120_000);

test("CONTRIBUTING: format rewrites a file, by the rules of this repository", async () => {
  const copy = join(directory, "format");
  mkdirSync(copy);
  for (const file of ["package.json", "biome.json", ".gitignore"])
    copyFileSync(join(ROOT, file), join(copy, file));
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  writeFileSync(join(copy, "one.ts"), "export const one = [1,2]");
  const { code, errors } = await run(take("CONTRIBUTING.md", /^npm run format$/), copy);
  expect([code, errors]).toEqual([0, expect.not.stringContaining("error")]);
  expect(readFileSync(join(copy, "one.ts"), "utf8")).toBe("export const one = [1, 2];\n");
}, 30_000);

test("docs/operating/backup.md: a running SQLite is backed up, copies are whole", async () => {
  mkdirSync(join(directory, "restored"), { recursive: true });
  const { code, errors } = await run(
    take("docs/operating/backup.md", /^(mkdir|for)/),
    server.directory,
  );
  expect([code, errors]).toEqual([0, ""]);
  const copied =
    `cp backup/secret ${directory}/restored/ && for name in log videos members; do cp ` +
    `backup/$name-*.sqlite ${directory}/restored/$name.sqlite; done`;
  const verified = await run(
    `${copied}; ovation log verify --data ${directory}/restored`,
    server.directory,
  );
  expect([verified.code, verified.output]).toEqual([0, expect.stringContaining("whole")]);
}, 30_000);

test("docs/operating/backup.md: .backup, .dump, export and import work as named", async () => {
  const named = inlineCommands("docs/operating/backup.md");
  const commands = [
    `sqlite3 data/log.sqlite ".backup 'backup/log.sqlite'"`,
    "sqlite3 data/log.sqlite .dump",
    "ovation log verify --data data",
    "ovation log export > log.ndjson",
    "ovation log import < log.ndjson",
  ];
  expect(commands.filter((command) => !named.includes(command))).toEqual([]);
  const [backup, dump, verify, exported, imported] = commands;
  const event = `{"topic":"video:kept","type":"goal","data":1,"durable":true}`;
  const script = [
    `TOKEN=$(ovation token --sub backend --publish '*')`,
    `curl -sf ${server.url}/v1/publish -H "Authorization: Bearer $TOKEN" \\
       -H 'Content-Type: application/json' -d '${event}' -o accepted`,
    `mkdir -p backup; ${backup}; test -s backup/log.sqlite`,
    `${dump} | grep -q "INSERT INTO events"`,
    `${verify}; ${exported}; test -s log.ndjson`,
    `mkdir -p moved; export OVATION_DATA=moved; ${imported}; ovation log verify`,
  ].join("\n");
  const { code, errors, output } = await run(script, server.directory);
  expect([code, errors, output]).toEqual([0, expect.any(String), expect.stringContaining("whole")]);
}, 30_000);

test("docs: the commands that make a secret make one that is taken", async () => {
  const made = [
    ...inlineCommands("docs/beside-your-login.md"),
    ...inlineCommands("docs/operating/cluster.md"),
  ].filter((command) => command.startsWith("openssl rand "));
  expect(made).toEqual(["openssl rand -hex 32", "openssl rand -base64 32"]);
  for (const command of made) {
    const { code, output } = await run(`OVATION_SECRET=$(${command}) ovation token --sub a`);
    expect([command, code, output]).toEqual([command, 0, expect.stringMatching(/^ey/)]);
  }
}, 20_000);

test("docs/operating/backup.md: PostgreSQL is dumped and restored", async () => {
  const { url } = postgres;
  const exported = `ovation log export --data ${server.directory}/data > ${directory}/log.ndjson`;
  const moved = `ovation log import --database ${url} < ${directory}/log.ndjson`;
  expect((await run(`${exported} && ${moved}`)).code).toBe(0);
  const address = new URL(url);
  const other = Object.assign(new URL(url), { pathname: "/restored" }).href;
  const script = take("docs/operating/backup.md", /^(pg_dump|createdb|pg_restore|ovation log)/)
    .replace("postgres://…\n", `${url}\n`)
    .replace("createdb --owner=ovation ovation", `createdb --owner=${address.username} restored`)
    .replaceAll("postgres://…/ovation", other);
  const connection =
    `export PGHOST=${address.hostname} PGPORT=${address.port} ` + `PGUSER=${address.username}`;
  const { code, output, errors } = await run(`${connection}\n${script}`, directory);
  expect([code, errors, output]).toEqual([0, expect.any(String), expect.stringContaining("whole")]);
}, 60_000);

test("docs/operating/cluster.md: certificates of an authority of one's own", async () => {
  const { code } = await run(take("docs/operating/cluster.md", /^openssl/), directory);
  expect(code).toBe(0);
  const checked = await run("openssl verify -CAfile ca.pem 10.0.0.20.pem", directory);
  expect(checked.output).toContain("OK");
}, 20_000);

test("docs/operating: each role's command is accepted, and waits for its stores", async () => {
  const pattern = /^ovation (dispatcher|frontend|comments) /;
  const commands = ["docs/operating/cluster.md", "docs/operating/two-data-centres.md"].flatMap(
    (file) => take(file, pattern).split("\n"),
  );
  const secrets = "export OVATION_SECRET=0123456789abcdef OVATION_INTERNAL_SECRET=fedcba9876543210";
  const runs = commands.map(async (command, index) => {
    const here = command
      .replaceAll(/\b10\.0\.0\.\d+/g, "127.0.0.1")
      .replace(/ …$/, " --table redis://127.0.0.1:1 --database postgres://u:p@127.0.0.1:1/ovation")
      .replaceAll("…", "x")
      .replaceAll(/(--(internal-)?port) \d+/g, "$1 0");
    // Until it waits for its stores or runs; a wrong option ends it at once, and not with 0.
    const lines = join(directory, `role-${index}.log`);
    const { code } = await run(
      `${secrets}; ovation ${here.replace(/^ovation /, "")} --port 0 2>${lines} & role=$!
      until grep -qE 'trying again|"started"' ${lines} || ! kill -0 $role; do sleep 0.1; done
      kill $role; wait $role`,
    );
    const errors = readFileSync(lines, "utf8");
    expect([command, code, errors.startsWith("ovation:")]).toEqual([command, 0, false]);
    expect([command, /"msg":"(ended before it was ready|started)"/.test(errors)]).toEqual([
      command,
      true,
    ]);
  });
  await Promise.all(runs);
}, 60_000);

test("docs/simulation.md: each command runs simulations, fewer of them", async () => {
  for (const command of take("docs/simulation.md", /^npm run simulate/).split("\n")) {
    const { code, output } = await run(
      command.replace(/--runs \d+/, "--runs 2").replace("time 5", "time 1"),
    );
    expect([command, code, output]).toEqual([command, 0, expect.stringMatching(/\S/)]);
  }
}, 60_000);

test("docs: each benchmark that is named is there", async () => {
  const commands = take("docs/performance.md", /^npm run bench/).split("\n");
  const { code, output } = await run("npm run bench -- --list");
  expect(code).toBe(0);
  const names = commands.flatMap((command) => /-- ([a-z][a-z-]+)/.exec(command)?.[1] ?? []);
  expect(names.length).toBeGreaterThan(1);
  for (const name of names.filter((each) => each !== "all"))
    expect([name, new RegExp(`^ *${name}\\b`, "m").test(output)]).toEqual([name, true]);
}, 30_000);

test("--help: the examples are commands", async () => {
  const help = await run("for name in start token replay; do ovation $name --help; done");
  const examples = help.output
    .split("\n")
    .filter((line) => /^ {2}ovation /.test(line))
    .map((line) => line.trim().replace(/ {2,}.*$/, ""));
  expect(examples.length).toBeGreaterThan(4);
  for (const example of examples) {
    if (/^ovation (token)/.test(example)) {
      const { code, output } = await run(example);
      expect([example, code, output]).toEqual([example, 0, expect.stringMatching(/^ey.+\..+\..+/)]);
    } else if (/--host 0\.0\.0\.0/.test(example)) {
      const start = `${example.replace("/var/lib/ovation", `${directory}/var`)} --port 0`;
      expect((await run(`timeout 4 ${start} || true`)).errors).not.toContain('"error"');
      expect(existsSync(join(directory, "var", "log.sqlite"))).toBe(true);
    } else {
      const isHeld = ran.has(`npx ${example}`) || heldElsewhere(example) !== undefined;
      expect([example, isHeld]).toEqual([example, true]);
    }
  }
}, 60_000);

test("every command that is written has been run, or names the test that does", () => {
  expect(written.length).toBeGreaterThan(30);
  const neither = written.filter(
    ({ command }) => !ran.has(command) && heldElsewhere(command) === undefined,
  );
  expect(neither).toEqual([]);
});

/** Code in the running text of a document. */
function inlineCommands(file: string): readonly string[] {
  const running = readFileSync(join(ROOT, file), "utf8").replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");
  return [...running.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code.replaceAll(/\s+/g, " "));
}

/** The file that runs it; it has to be there and to show so. */
function heldElsewhere(command: string): string | undefined {
  const held = HELD_ELSEWHERE.find(([pattern]) => pattern.test(command));
  if (held === undefined) return undefined;
  const [, file, shows] = held;
  expect(readFileSync(join(ROOT, file), "utf8")).toContain(shows);
  return file;
}
