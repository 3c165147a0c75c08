/**
 * Another life of the log is heard of: the database started again, or a backup took its place. In
 * the first case nothing changes. In the second, viewers here may have events that are lost, also
 * of topics in which nothing has happened since. The heads of all topics are asked for, those that
 * are not in the log any more are reset, and only then do ids speak of the new life (`watermark.ts`):
 * whoever leaves before that, and comes back anywhere, has an id that the log never reached.
 */

import type { Clock, Moment } from "@ovation/protocol";
import type { Hub } from "../broadcast/hub.ts";
import { UPSTREAM_RETRY_FIRST_MS, UPSTREAM_RETRY_LAST_MS } from "../limits.ts";
import { retry } from "../upstream/retry.ts";
import type { Upstream } from "../upstream/upstream.ts";

export interface LogEpochOptions {
  readonly hub: Hub;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly random: () => number;
  /** Starts reports again; resolves when the first one was answered. */
  beginReports(): Promise<void>;
  /** Resolves when the heads of all topics were compared with what is here. */
  compareHeads(): Promise<void>;
  onFailure(what: string, error: unknown): void;
}

export class LogEpoch {
  readonly #options: LogEpochOptions;
  #stopped = false;

  constructor(options: LogEpochOptions) {
    this.#options = options;
    options.hub.watermark.onDoubt = () => void this.#resolve();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #resolve(): Promise<void> {
    const { watermark } = this.#options.hub;
    // More is heard of while the log is asked: the answer must be about all of it.
    for (let asked: readonly Moment[] = []; asked !== watermark.reach; ) {
      asked = watermark.reach;
      for (const moment of asked) {
        const reached = await this.#retry(() => this.#options.upstream.reached(moment));
        if (reached === undefined) return;
        if (!reached) return this.#startOver(asked);
      }
    }
    watermark.confirm();
  }

  async #startOver(lost: readonly Moment[]): Promise<void> {
    const { watermark } = this.#options.hub;
    this.#options.onFailure(
      "log",
      new Error("the log was restored from a backup: it has lost events that viewers may have"),
    );
    watermark.discard();
    await this.#options.beginReports();
    await this.#retry(() => this.#options.compareHeads());
    if (!this.#stopped) watermark.replace(lost);
  }

  #retry<Value>(run: () => Promise<Value>): Promise<Value | undefined> {
    const { clock, random, onFailure } = this.#options;
    return retry(
      { clock, random, firstMs: UPSTREAM_RETRY_FIRST_MS, longestMs: UPSTREAM_RETRY_LAST_MS },
      run,
      (error) => onFailure("log", error),
      () => this.#stopped,
    );
  }
}
