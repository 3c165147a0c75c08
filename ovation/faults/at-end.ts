/** What every process returns for likes and viewers at the end of a run. */

import type { Topic } from "@ovation/protocol";
import type { ClusterProcess } from "../cluster/cluster-process.ts";
import type { CountsAtEnd, History } from "./history/history.ts";

/** Numbers of viewers are right within 10 s after a process died. */
const RIGHT_MS_MAX = 12_000;
const POLL_MS = 250;
const TIMEOUT_MS = 5000;

export async function readAtEnd(
  processes: readonly ClusterProcess[],
  topics: readonly Topic[],
  counted: NonNullable<History["counted"]>,
  problems: string[],
): Promise<readonly CountsAtEnd[]> {
  const until = performance.now() + RIGHT_MS_MAX;
  for (;;) {
    const counts = await readAll(processes, topics, problems);
    const isRight = counts.every(
      ({ topic, viewers }) => topic !== counted.topic || viewers === counted.viewers,
    );
    if (isRight || performance.now() > until) return counts;
    await Bun.sleep(POLL_MS);
  }
}

async function readAll(
  processes: readonly ClusterProcess[],
  topics: readonly Topic[],
  problems: string[],
): Promise<readonly CountsAtEnd[]> {
  const asked = processes.flatMap(({ name, url }) =>
    topics.map(async (topic): Promise<readonly CountsAtEnd[]> => {
      try {
        const response = await fetch(`${url}/v1/videos/${topic.slice("video:".length)}`, {
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        const { likes, viewers } = (await response.json()) as {
          readonly likes: Readonly<Record<string, number>>;
          readonly viewers: number;
        };
        const sum = Object.values(likes).reduce((all, count) => all + count, 0);
        return [{ process: name, topic, likes: sum, viewers }];
      } catch (error) {
        problems.push(`${name} does not answer for ${topic} at the end: ${error}`);
        return [];
      }
    }),
  );
  return (await Promise.all(asked)).flat();
}
