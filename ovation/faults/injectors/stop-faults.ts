/** SIGTERM while other things are broken, and a second server on a directory that is in use. */

import { type ClusterProcess, STOP_MS_MAX, startProcess } from "../../cluster/cluster-process.ts";
import type { Recorder } from "../history/recorder.ts";
import type { ProcessLines } from "../stages/process-lines.ts";
import type { Fault } from "./fault.ts";

/** The sentence of `describeLostLikes`. */
const LOST_LIKES = /(\d+) likes of \d+ videos were accepted and could not be stored/;
/** A second server gives up within this; a machine that is busy takes its time to start one. */
const REFUSED_MS_MAX = 15_000;
/** Longer than a disk is full. */
const STARTED_MS_MAX = 15_000;
const START_AGAIN_MS = 500;

/** A stop ends in time: with 0, or with another code and a sentence that says what is lost. */
export function stopFaults(
  processes: readonly ClusterProcess[],
  lines: ProcessLines,
  recorder: Pick<Recorder, "now" | "lostAtStop">,
): readonly Fault[] {
  const roles = [...new Set(processes.map(({ role }) => role))];
  return roles.map((role) => {
    const own = processes.filter((process) => process.role === role);
    const named = (target: string) => own.find(({ name }) => name === target);
    return {
      kind: `SIGTERM ${role}`,
      targets: own.map(({ name }) => name),
      forMs: [0, 1500],
      weight: 2,
      async begin(target) {
        const process = named(target);
        if (process === undefined || !process.running) return;
        lines.take(target);
        const { code, tookMs } = await process.terminate();
        const written = lines.take(target);
        const trouble = judgeStop({ code, tookMs, lines: written });
        for (const line of written) {
          const [, likes] = LOST_LIKES.exec(line) ?? [];
          if (likes !== undefined)
            recorder.lostAtStop({ process: target, at: recorder.now(), likes: Number(likes) });
        }
        if (trouble !== undefined) throw new Error(trouble);
      },
      end: async (target) => named(target)?.restart("at-once"),
    } satisfies Fault;
  });
}

export interface Stop {
  readonly code: number;
  readonly tookMs: number;
  readonly lines: readonly string[];
}

/** What is wrong with how a process ended after SIGTERM. */
export function judgeStop({ code, tookMs, lines }: Stop): string | undefined {
  if (tookMs >= STOP_MS_MAX) return `did not end within ${STOP_MS_MAX} ms of SIGTERM`;
  if (code === 0) return undefined;
  // 143: SIGTERM before the process had begun to listen for it.
  if (code === 143 && lines.length === 0) return undefined;
  const tail = lines.slice(-3).join(" | ");
  if (lines.some((line) => /uncaught|unhandled/i.test(line)))
    return `ended with ${code} by an exception: ${tail}`;
  if (!lines.some((line) => LOST_LIKES.test(line) || /\b(lost|not stored)\b/.test(line)))
    return `ended with ${code} and does not say what is lost: ${tail}`;
  return undefined;
}

/** A second server on the directory of a running one ends by itself, and says why. */
export function secondServerFault(
  server: ClusterProcess,
  directory: string,
  environment: Readonly<Record<string, string>>,
): Fault {
  return {
    kind: "second server on the directory",
    // The server as the target: no other fault may stop it while the second one starts.
    targets: [server.name],
    forMs: [0, 0],
    async begin() {
      await readyAgain(server);
      const lines: string[] = [];
      const { promise, resolve } = Promise.withResolvers<number | string>();
      const second = await startProcess(
        {
          name: "second",
          role: "start",
          flags: ["--data", directory, "--log-level", "warn"],
          environment,
          internal: false,
          onLine: (line) => void lines.push(line),
          onEnd: resolve,
        },
        "at-once",
      );
      const late = Bun.sleep(REFUSED_MS_MAX).then(() => undefined);
      const how = await Promise.race([promise, late]);
      if (how === undefined) await second.stop();
      const trouble = judgeSecond(how, lines);
      if (trouble !== undefined) throw new Error(trouble);
    },
    end: async () => {},
  };
}

/** Restarts a server that ended, as a supervisor does: its last start was on a full disk. */
export async function readyAgain(
  server: Pick<ClusterProcess, "ready" | "running" | "restart">,
): Promise<void> {
  const until = performance.now() + STARTED_MS_MAX;
  for (;;) {
    try {
      return await server.ready();
    } catch (error) {
      if (server.running || performance.now() > until) throw error;
    }
    await Bun.sleep(START_AGAIN_MS);
    await server.restart("at-once");
  }
}

/**
 * What is wrong with how a second server on a directory ended; `undefined` for `how`: it did not.
 */
export function judgeSecond(
  how: number | string | undefined,
  lines: readonly string[],
): string | undefined {
  if (how === undefined) return "a second server runs on the directory of the first";
  if (how === 0 || typeof how !== "number") return `the second server ended with ${how}`;
  const text = lines.join(" ");
  return /directory|in use|another server/i.test(text)
    ? undefined
    : `the second server does not say why it ended: ${text.slice(0, 300)}`;
}
