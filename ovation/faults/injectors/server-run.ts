/** One run of a server on a data directory, and of `ovation log export` on the same data. */

import { setPriority } from "node:os";
import { join } from "node:path";
import { startProcess } from "../../cluster/cluster-process.ts";

interface PathResponse {
  readonly status: number;
  readonly body: string;
}

export interface ServerRun {
  /** The exit code of a server that did not start; `undefined`: it started. */
  readonly ended: number | string | undefined;
  /** What the server wrote to standard error. */
  readonly lines: readonly string[];
  /** By path. */
  readonly responses: ReadonlyMap<string, PathResponse>;
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

/** `exportFrom`: a second copy, so that neither program sees what the other changed. */
export async function runServer(
  directory: string,
  exportFrom: string,
  environment: Readonly<Record<string, string>>,
): Promise<ServerRun> {
  const lines: string[] = [];
  let ended: number | string | undefined;
  const exported = await exportLog(exportFrom, environment);
  const flags = ["--data", directory, "--log-level", "warn", "--drain-seconds", "1"];
  const server = await startProcess(
    {
      name: "restored",
      role: "start",
      flags,
      environment,
      internal: false,
      onLine: (line) => void lines.push(line),
      onEnd: (how) => {
        ended = how;
      },
    },
    "at-once",
  );
  lowerPriority(server.pid);
  const responses = new Map<string, PathResponse>();
  try {
    await server.ready();
    for (const video of videosIn(exported.output)) await readVideo(server.url, video, responses);
  } catch (error) {
    if (server.running) throw error;
  }
  const how = ended;
  if (server.running) await server.stop();
  return { ended: how, lines, responses, exported };
}

async function exportLog(directory: string, environment: Readonly<Record<string, string>>) {
  const child = Bun.spawn(
    [
      process.execPath,
      join(import.meta.dir, "../../main.ts"),
      "log",
      "export",
      "--data",
      directory,
    ],
    { env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "pipe"] },
  );
  lowerPriority(child.pid);
  const [output, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { output, errors, code };
}

/** The run of the faults has time limits; this one has none. */
function lowerPriority(pid: number): void {
  try {
    setPriority(pid, LOWEST_PRIORITY);
  } catch {
    // The process has ended already.
  }
}

function videosIn(exported: string): readonly string[] {
  return [...new Set([...exported.matchAll(/"topic":"video:([^"]+)"/g)].map(([, id = ""]) => id))];
}

async function readVideo(
  url: string,
  video: string,
  responses: Map<string, PathResponse>,
): Promise<void> {
  const read = async (path: string) => {
    const response = await fetch(url + path, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const result = { status: response.status, body: await response.text() };
    responses.set(path, result);
    return result;
  };
  await read(`/v1/videos/${video}`);
  let after = 0;
  for (let page = 0; page < PAGES_MAX; page++) {
    const path = `/v1/videos/${video}/comments?after=${after}&limit=${PAGE_COMMENTS}`;
    const { status, body } = await read(path);
    if (status !== 200) return;
    const { comments } = JSON.parse(body) as { readonly comments: readonly { seq: number }[] };
    const last = comments.at(-1)?.seq;
    if (last === undefined) return;
    after = last;
  }
}
