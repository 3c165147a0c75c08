/**
 * Likes, sent to one process each, so that what a killed process lost can be told apart. A request
 * without an answer is not sent again: it may have been counted.
 */

import type { Topic } from "@ovation/protocol";
import type { Random } from "../../testing/random.ts";
import type { Outcome } from "./history.ts";
import type { Recorder } from "./recorder.ts";

export interface LikerOptions {
  readonly recorder: Recorder;
  readonly process: { readonly name: string; readonly url: string };
  readonly topics: readonly Topic[];
  readonly random: Random;
}

export interface Liker {
  /**
   * Sends likes until some are accepted, and answers whether they were: everything is whole by
   * then.
   */
  finish(): Promise<boolean>;
}

/** Mean wait between two requests. */
const EVERY_MS = 120;
const LIKES_MAX = 5;
const TIMEOUT_MS = 4000;
const ACCEPTED_AGAIN_MS_MAX = 15_000;
const ACCEPTED = 202;

export function startLiker({ recorder, process, topics, random }: LikerOptions): Liker {
  let stopped = false;

  async function likeOnce(topic: Topic): Promise<Outcome["kind"]> {
    const count = 1 + Math.floor(random.next() * LIKES_MAX);
    const sentAt = recorder.now();
    const outcome = await send(topic, count);
    const endedAt = recorder.now();
    recorder.like({ process: process.name, topic, count, sentAt, endedAt, outcome });
    return outcome;
  }

  async function send(topic: Topic, count: number): Promise<Outcome["kind"]> {
    try {
      const path = `/v1/videos/${topic.slice("video:".length)}/likes`;
      const response = await fetch(process.url + path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ kind: "like", count }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.body?.cancel();
      return response.status === ACCEPTED ? "acknowledged" : "refused";
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === "ConnectionRefused" || code === "ECONNREFUSED" ? "refused" : "unknown";
    }
  }

  async function run(): Promise<void> {
    while (!stopped) {
      await likeOnce(random.choose(topics));
      await Bun.sleep(-Math.log(1 - random.next()) * EVERY_MS);
    }
  }

  /** Likes are refused until what waited has been stored. */
  async function likeUntilAccepted(topic: Topic): Promise<boolean> {
    const until = recorder.now() + ACCEPTED_AGAIN_MS_MAX;
    while ((await likeOnce(topic)) !== "acknowledged") {
      if (recorder.now() > until) return false;
      await Bun.sleep(EVERY_MS);
    }
    return true;
  }

  const running = run();
  return {
    async finish() {
      stopped = true;
      await running;
      for (const topic of topics) if (!(await likeUntilAccepted(topic))) return false;
      return true;
    },
  };
}
