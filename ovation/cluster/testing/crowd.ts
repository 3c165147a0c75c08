/**
 * Viewers and writers of a local cluster, for tests: what they were told and saw becomes a history
 * that is checked.
 */

import { openLog } from "@ovation/log";
import { type Topic, topicOf } from "@ovation/protocol";
import { until } from "../../../testing/until.ts";
import { check } from "../../faults/checkers/checker.ts";
import type { Violation } from "../../faults/checkers/violation.ts";
import { openViewer } from "../../faults/clients/open-viewer.ts";
import type { FaultViewer } from "../../faults/clients/viewer.ts";
import { Recorder } from "../../faults/history/recorder.ts";
import { readWholeLog } from "../../faults/history/whole-log.ts";
import { signToken } from "../../tokens/mod.ts";
import type { LocalCluster } from "../local-cluster.ts";

export interface Posted {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export interface Crowd {
  readonly recorder: Recorder;
  readonly viewers: readonly FaultViewer[];
  watch(form: "sdk" | "plain", url: string, topics: readonly Topic[]): FaultViewer;
  /** A comment with a key of its own, sent again where no answer came, as the SDK does. */
  comment(url: string, topic: Topic): Promise<Posted>;
  publish(url: string, topic: Topic, durable: boolean): Promise<Posted>;
  /** Resolves when every viewer has seen the number. */
  allHave(topic: Topic, seq: number, withinMs: number): Promise<void>;
  /**
   * What of the history breaks a promise of the durable lane, or comes twice in the live lane,
   * which may lose in these tests. Ends the viewers.
   */
  verdict(): Promise<readonly Violation[]>;
  close(): void;
}

const TOKEN_SECONDS = 3600;
const TIMEOUT_MS = 3000;
const ATTEMPTS_MAX = 8;

export async function createCrowd(
  cluster: Pick<LocalCluster, "secret" | "postgres">,
): Promise<Crowd> {
  const recorder = new Recorder();
  const token = await signToken(
    cluster.secret,
    { sub: "server", name: "Server", publish: ["*"], role: "host" },
    TOKEN_SECONDS,
  );
  const viewers: FaultViewer[] = [];
  const topics = new Set<Topic>();
  let serial = 0;

  async function post(url: string, body: unknown): Promise<Posted> {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  async function recorded(
    lane: "durable" | "live",
    topic: Topic,
    send: (key: string) => Promise<Posted>,
  ): Promise<Posted> {
    const number = ++serial;
    const key = `test-${number}`;
    const sentAt = recorder.now();
    for (let attempts = 1; ; attempts++) {
      const posted = await send(key).catch((): Posted => ({ status: 0, body: {} }));
      const { status, body } = posted;
      if (status < 300 && status > 0) {
        const seq = (body["seq"] ?? (body["seqs"] as number[] | undefined)?.[0]) as
          | number
          | undefined;
        recorder.publish({
          publisher: "test",
          topic,
          lane,
          key,
          number,
          sentAt,
          endedAt: recorder.now(),
          attempts,
          outcome: { kind: "acknowledged", seq },
        });
        return posted;
      }
      if (lane === "live" || attempts === ATTEMPTS_MAX) return posted;
      await Bun.sleep(100);
    }
  }

  return {
    recorder,
    viewers,
    watch(form, url, own) {
      for (const topic of own) topics.add(topic);
      const name = `${form}-${viewers.length}`;
      const viewer = openViewer(form, {
        recorder: recorder.viewer(name, form, own),
        topics: own,
        url,
        token: undefined,
        random: Math.random,
      });
      viewers.push(viewer);
      return viewer;
    },
    comment: (url, topic) =>
      recorded("durable", topic, (key) =>
        post(`${url}/v1/videos/${topic.slice("video:".length)}/comments`, {
          text: `says ${key}`,
          clientId: key,
        }),
      ),
    publish: (url, topic, durable) =>
      recorded(durable ? "durable" : "live", topic, (key) =>
        post(`${url}/v1/publish`, {
          topic,
          type: "goal",
          data: { id: key },
          durable,
          ...(durable ? { id: key } : {}),
        }),
      ),
    async allHave(topic, seq, withinMs) {
      const hasAll = () =>
        viewers.every(({ recorder: { heads } }) => (heads.get(topic) ?? 0) >= seq);
      await until(hasAll, `every viewer has number ${seq} of ${topic}`, withinMs);
    },
    async verdict() {
      for (const viewer of viewers) viewer.close();
      const log = await openLog({ url: cluster.postgres.url });
      try {
        const { violations } = check(recorder.history(await readWholeLog(log, [...topics])));
        return violations.filter(
          ({ kind }) => kind === "live-duplicate" || !kind.startsWith("live"),
        );
      } finally {
        await log.close();
      }
    },
    close() {
      for (const viewer of viewers) viewer.close();
    },
  };
}

let serialTopic = 0;

/** A topic that no other test uses. */
export function ownTopic(): Topic {
  return topicOf("video", `own-${++serialTopic}`);
}
