/**
 * Likes, sent to one process each, so that what a killed process lost can be told apart. A request
 * without a response is not sent again: it may have been counted.
 */

import type { Topic } from "@ovation/protocol";
import type { Random } from "../../../testing/random.ts";
import type { Outcome } from "../history/history.ts";
import type { Recorder } from "../history/recorder.ts";

export interface LikerOptions {
  readonly recorder: Recorder;
  readonly process: { readonly name: string; readonly url: string };
  readonly topics: readonly Topic[];
  readonly random: Random;
}

/** Mean wait between two requests. */
const EVERY_MS = 120;
const LIKES_MAX = 5;
const TIMEOUT_MS = 4000;
const ACCEPTED_AGAIN_MS_MAX = 15_000;
const ACCEPTED = 202;

export class Liker {
  readonly #options: LikerOptions;
  readonly #running: Promise<void>;
  #isStopped = false;

  constructor(options: LikerOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Sends likes to each topic, on a whole system, and returns whether some were accepted. */
  async finish(): Promise<boolean> {
    this.#isStopped = true;
    await this.#running;
    for (const topic of this.#options.topics)
      if (!(await this.#likeUntilAccepted(topic))) return false;
    return true;
  }

  async #run(): Promise<void> {
    const { topics, random } = this.#options;
    while (!this.#isStopped) {
      await this.#likeOnce(random.choose(topics));
      await Bun.sleep(random.exponential(EVERY_MS));
    }
  }

  /** A process refuses likes until those that it could not store are stored. */
  async #likeUntilAccepted(topic: Topic): Promise<boolean> {
    const { recorder } = this.#options;
    const until = recorder.now() + ACCEPTED_AGAIN_MS_MAX;
    while ((await this.#likeOnce(topic)) !== "acknowledged") {
      if (recorder.now() > until) return false;
      await Bun.sleep(EVERY_MS);
    }
    return true;
  }

  async #likeOnce(topic: Topic): Promise<Outcome["kind"]> {
    const { recorder, process, random } = this.#options;
    const count = random.integer(1, LIKES_MAX);
    const sentAt = recorder.now();
    const outcome = await this.#send(topic, count);
    const endedAt = recorder.now();
    recorder.like({ process: process.name, topic, count, sentAt, endedAt, outcome });
    return outcome;
  }

  async #send(topic: Topic, count: number): Promise<Outcome["kind"]> {
    try {
      const path = `/v1/videos/${topic.slice("video:".length)}/likes`;
      const response = await fetch(this.#options.process.url + path, {
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
}
