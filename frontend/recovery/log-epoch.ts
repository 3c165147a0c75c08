/**
 * A new epoch of the log was seen: the database restarted, or was restored from a backup. After a
 * restart nothing changes. After a restore, viewers may have events that are lost, also of quiet
 * topics: the heads of all topics are compared and lost ones reset. Only then do ids name the new
 * epoch (`watermark.ts`): a client that leaves earlier has an id that the log never reached.
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
    // Further epochs may appear while the log is asked: all must be confirmed.
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
