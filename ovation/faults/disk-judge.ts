/**
 * What a server says of a data directory, and whether a damaged one is told honestly: each answer
 * is that of the undamaged files, or is refused by name.
 */

import { setPriority } from "node:os";
import { join } from "node:path";
import { startProcess } from "../cluster/cluster-process.ts";

/** What a server and `ovation log export` say of one directory. */
export interface Said {
  /** The exit code of the server that did not start; `undefined`: it started. */
  readonly ended: number | string | undefined;
  /** What the server wrote to standard error. */
  readonly lines: readonly string[];
  /** By path: the status and the body. */
  readonly answers: ReadonlyMap<string, { readonly status: number; readonly body: string }>;
  readonly exported: {
    readonly code: number;
    readonly output: string;
    readonly errors: string;
  };
}

const TIMEOUT_MS = 5000;
const LOWEST_PRIORITY = 19;
const PAGE_COMMENTS = 200;
const PAGES_MAX = 100;
/** A store whose write-ahead log is damaged starts with what came before, and says so. */
const LOST_CHANGES = /lost its last changes/;
const NAMED = /\.sqlite/;

/** `exportFrom`: the same data once more, so that neither sees what the other's opening did. */
export async function askServer(
  directory: string,
  exportFrom: string,
  environment: Readonly<Record<string, string>>,
): Promise<Said> {
  const lines: string[] = [];
  let ended: number | string | undefined;
  const exported = await exportLog(exportFrom, environment);
  const flags = ["--data", directory, "--log-level", "warn", "--drain-seconds", "1"];
  const server = await startProcess(
    {
      ...{ name: "restored", role: "start", flags, environment, internal: false },
      onLine: (line) => void lines.push(line),
      onEnd: (how) => {
        ended = how;
      },
    },
    "at-once",
  );
  yieldTo(server.pid);
  const answers = new Map<string, { readonly status: number; readonly body: string }>();
  try {
    await server.ready();
    for (const video of videosIn(exported.output)) await askVideo(server.url, video, answers);
  } catch (error) {
    if (server.running) throw error;
  }
  const how = ended;
  if (server.running) await server.stop();
  return { ended: how, lines, answers, exported };
}

async function exportLog(directory: string, environment: Readonly<Record<string, string>>) {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "../main.ts"), "log", "export", "--data", directory],
    { env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "pipe"] },
  );
  yieldTo(child.pid);
  const [output, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { output, errors, code };
}

/** The run that is judged has promises in time; this has none. */
function yieldTo(pid: number): void {
  try {
    setPriority(pid, LOWEST_PRIORITY);
  } catch {
    // It has ended already.
  }
}

function videosIn(exported: string): readonly string[] {
  return [...new Set([...exported.matchAll(/"topic":"video:([^"]+)"/g)].map(([, id = ""]) => id))];
}

async function askVideo(
  url: string,
  video: string,
  answers: Map<string, { readonly status: number; readonly body: string }>,
): Promise<void> {
  const ask = async (path: string) => {
    const response = await fetch(url + path, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const answer = { status: response.status, body: await response.text() };
    answers.set(path, answer);
    return answer;
  };
  await ask(`/v1/videos/${video}`);
  let after = 0;
  for (let page = 0; page < PAGES_MAX; page++) {
    const path = `/v1/videos/${video}/comments?after=${after}&limit=${PAGE_COMMENTS}`;
    const { status, body } = await ask(path);
    if (status !== 200) return;
    const { comments } = JSON.parse(body) as { readonly comments: readonly { seq: number }[] };
    const last = comments.at(-1)?.seq;
    if (last === undefined) return;
    after = last;
  }
}

/** What is wrong with what is said of a damaged copy, against the same of an undamaged one. */
export function judgeDamaged(truth: Said, said: Said): string | undefined {
  const text = said.lines.join("\n");
  if (/uncaught|unhandled/i.test(text)) return `the server ended by an exception: ${tail(said)}`;
  if (said.exported.code !== 0 && !NAMED.test(said.exported.errors))
    return `log export fails and does not name the file: ${said.exported.errors.slice(0, 300)}`;
  if (said.exported.code === 0 && said.exported.output !== truth.exported.output)
    return `log export gives other events: ${firstOther(truth, said)}`;
  if (said.ended !== undefined) {
    if (said.ended === 0 || typeof said.ended !== "number")
      return `the server ended with ${said.ended}`;
    return NAMED.test(text) ? undefined : `the server does not name what is damaged: ${tail(said)}`;
  }
  for (const [path, { status, body }] of said.answers) {
    const expected = truth.answers.get(path);
    if (status === 503) continue;
    const isOfStores = !path.includes("/comments");
    if (isOfStores && LOST_CHANGES.test(text)) continue;
    if (expected === undefined || status !== expected.status || body !== expected.body)
      return `${path} is answered ${status} ${start(body)}, not ${start(expected?.body)}`;
  }
  return undefined;
}

/** After the power went: every commit of the log stands, and the server starts. */
export function judgeUnsynced(truth: Said, said: Said): string | undefined {
  if (said.ended !== undefined) return `the server ended with ${said.ended}: ${tail(said)}`;
  if (said.exported.code !== 0) return `log export fails: ${said.exported.errors.slice(0, 300)}`;
  for (const [path, { status, body }] of said.answers) {
    if (!path.includes("/comments")) continue;
    if (status !== 200 || body !== truth.answers.get(path)?.body)
      return `${path} is answered ${status} ${body.slice(0, 200)}`;
  }
  return said.exported.output === truth.exported.output
    ? undefined
    : `log export gives other events: ${firstOther(truth, said)}`;
}

function firstOther(truth: Said, said: Said): string {
  const [right, given] = [truth, said].map(({ exported }) => exported.output.split("\n"));
  const index = given?.findIndex((line, at) => line !== right?.[at]) ?? -1;
  return index < 0 ? "the last are missing" : `line ${index + 1}: ${given?.[index]?.slice(0, 200)}`;
}

function start(text: string | undefined): string {
  return text?.slice(0, 200) ?? "nothing";
}

function tail({ lines }: Said): string {
  return lines.slice(-3).join(" | ").slice(0, 500);
}
