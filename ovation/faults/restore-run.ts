/**
 * The end of a run: a backup is restored under viewers that have seen more than it holds.
 * `restore-checker.ts` judges what they receive after that.
 */

import { type Topic, topicOf } from "@ovation/protocol";
import type { Random } from "../../testing/random.ts";
import { checkRestored, type RestoreCounts } from "./checkers/restore-checker.ts";
import type { Violation } from "./checkers/violation.ts";
import { openViewer } from "./clients/open-viewer.ts";
import type { FaultViewer } from "./clients/viewer.ts";
import { Recorder } from "./history/recorder.ts";
import type { Door } from "./stages/door.ts";
import type { Stage } from "./stages/stage.ts";

export interface RestoreReport extends RestoreCounts {
  readonly way: string;
  readonly violations: readonly Violation[];
}

export interface RestoreOptions {
  readonly stage: Stage;
  readonly random: Random;
  /** Of a publisher. */
  readonly token: string;
  readonly problems: string[];
}

const TOPICS = ["restored-1", "restored-2", "restored-3"].map((id) => topicOf("video", id));
const KEPT_EVENTS = 3;
const LOST_EVENTS_MAX = 4;
const NEW_EVENTS_MAX = 6;
/** At each door: with all topics, and with one. */
const PLAIN_SEVERAL = 4;
const PLAIN_SINGLE = 3;
const SDK_SEVERAL = 3;
const WAIT_MS_MAX = 40_000;
const PUBLISH_MS_MAX = 20_000;
const TIMEOUT_MS = 4000;
/** All that the earlier epoch sent has arrived, or never will. */
const ARRIVED_MS = 1000;
const SETTLE_MS = 2000;

export async function runRestore(options: RestoreOptions): Promise<RestoreReport> {
  const { stage, random, problems } = options;
  const recorder = new Recorder();
  const way = random.choose(stage.backups.ways);
  await startAll(stage);
  const viewers = stage.doors.flatMap((door) => openViewers(door, recorder, random));
  let restoredAt = 0;
  const publish = createPublish(options);
  const seen = (what: string, heads: ReadonlyMap<Topic, number>) =>
    within(what, problems, () => hasAll(viewers, heads));
  try {
    await within("the viewers are connected", problems, () =>
      viewers.every(({ recorder: { isConnected } }) => isConnected),
    );
    const backup = await publishAll(publish, new Map(TOPICS.map((topic) => [topic, KEPT_EVENTS])));
    await seen("all have what the backup will hold", backup);
    await stage.backups.backUp(way);
    await seen("all have what was published after the backup", await publishLost(publish, random));
    await likeOnce(stage, random.choose(TOPICS));
    await stage.backups.restore(way, async () => {
      await Bun.sleep(ARRIVED_MS);
      restoredAt = recorder.now();
    });
    const counts = new Map(TOPICS.map((topic) => [topic, upTo(random, NEW_EVENTS_MAX)]));
    await seen("all have what was published after the restore", await publishAll(publish, counts));
    await Bun.sleep(SETTLE_MS);
    for (const viewer of viewers) viewer.close();
    const log = await stage.readLog(TOPICS);
    const violations: Violation[] = [];
    const judged = checkRestored(
      { restoredAt, backup, log, viewers: recorder.history(log).viewers },
      (kind, who, topic, detail) => violations.push({ kind, who, topic, detail }),
    );
    return { way, violations, ...judged };
  } finally {
    for (const viewer of viewers) viewer.close();
  }
}

async function startAll({ processes }: Stage): Promise<void> {
  await Promise.all(
    processes.map((process) =>
      process.running ? process.ready() : process.restart("until-ready"),
    ),
  );
}

function openViewers(door: Door, recorder: Recorder, random: Random): readonly FaultViewer[] {
  const open = (form: "sdk" | "plain", index: number, topics: readonly Topic[]) => {
    const name = `${form}-${topics.length}-${index}@${door.name}`;
    const own = recorder.viewer(name, form, topics);
    return openViewer(form, {
      recorder: own,
      topics,
      url: door.url,
      token: undefined,
      random: random.next,
    });
  };
  const several = (form: "sdk" | "plain", count: number) =>
    Array.from({ length: count }, (_, index) => open(form, index, TOPICS));
  return [
    ...several("plain", PLAIN_SEVERAL),
    ...several("sdk", SDK_SEVERAL),
    ...TOPICS.slice(0, PLAIN_SINGLE).map((topic, index) => open("plain", index, [topic])),
  ];
}

type PublishDurable = (topic: Topic) => Promise<number>;

/** Publishes until the event is acknowledged, and returns its sequence number. */
function createPublish({ stage, token }: RestoreOptions): PublishDurable {
  let serial = 0;
  return async (topic) => {
    const id = `restore-${++serial}`;
    const until = performance.now() + PUBLISH_MS_MAX;
    for (;;) {
      try {
        const response = await fetch(`${stage.doors[0]?.url}/v1/publish`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify({ topic, type: "goal", data: { id }, durable: true, id }),
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        const { seqs } = (await response.json()) as { readonly seqs?: readonly number[] };
        if (response.ok && seqs?.[0] !== undefined) return seqs[0];
      } catch {
        // The process starts, or is not yet connected to its dependencies.
      }
      if (performance.now() > until) throw new Error(`${id} could not be published`);
      await Bun.sleep(100);
    }
  };
}

/** So many events to each topic, interleaved; returns the newest sequence numbers. */
async function publishAll(
  publish: PublishDurable,
  counts: ReadonlyMap<Topic, number>,
): Promise<ReadonlyMap<Topic, number>> {
  const heads = new Map<Topic, number>();
  for (let round = 0; round < Math.max(...counts.values()); round++)
    for (const [topic, count] of counts) if (round < count) heads.set(topic, await publish(topic));
  return heads;
}

/** To all topics but one: viewers then have positions in lost and in unchanged topics. */
function publishLost(publish: PublishDurable, random: Random) {
  const kept = random.choose(TOPICS);
  const lost = TOPICS.filter((topic) => topic !== kept);
  return publishAll(publish, new Map(lost.map((topic) => [topic, upTo(random, LOST_EVENTS_MAX)])));
}

/** The last frame that viewers see may then be of a topic that has lost nothing. */
async function likeOnce({ likers }: Stage, topic: Topic): Promise<void> {
  const url = `${likers[0]?.url}/v1/videos/${topic.slice("video:".length)}/likes`;
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, {
    method: "POST",
    headers,
    body: JSON.stringify({ kind: "like", count: 1 }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.body?.cancel();
  await Bun.sleep(ARRIVED_MS);
}

function upTo(random: Random, most: number): number {
  return 1 + Math.floor(random.next() * most);
}

function hasAll(viewers: readonly FaultViewer[], heads: ReadonlyMap<Topic, number>): boolean {
  return viewers.every(
    ({ recorder }) =>
      recorder.isConnected &&
      [...heads].every(([topic, seq]) => {
        const own = recorder.heads.get(topic);
        return own === undefined || own >= seq;
      }),
  );
}

/** The run continues in any case: the checker judges what is missing. */
async function within(what: string, problems: string[], holds: () => boolean): Promise<void> {
  const until = performance.now() + WAIT_MS_MAX;
  while (!holds()) {
    if (performance.now() > until) {
      problems.push(`restore: not within ${WAIT_MS_MAX} ms: ${what}`);
      return;
    }
    await Bun.sleep(50);
  }
}
