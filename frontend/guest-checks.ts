/**
 * Guests who have become members: their old tokens open nothing. Asked upwards at each connect and
 * change with a guest's token; those that come together are asked together.
 */

import { type Identity, isOwnTopic, Problem } from "@ovation/protocol";
import type { HubChannel } from "./broadcast/hub.ts";
import type { Connection } from "./connections/connection.ts";
import { GUEST_CHECKS_WAITING_MAX } from "./limits.ts";
import type { Upstream } from "./upstream/upstream.ts";

export interface GuestChecksOptions {
  readonly upstream: Pick<Upstream, "upgraded">;
  soon(run: () => void): void;
}

interface Check {
  readonly guest: string;
  resolve(isUpgraded: boolean): void;
  reject(error: unknown): void;
}

export class GuestChecks {
  readonly #options: GuestChecksOptions;
  #waiting: Check[] = [];

  constructor(options: GuestChecksOptions) {
    this.#options = options;
  }

  /** Rejects where no dispatcher answers. */
  async isUpgraded(identity: Identity | undefined): Promise<boolean> {
    if (identity?.role !== "guest" || this.#options.upstream.upgraded === undefined) return false;
    if (this.#waiting.length >= GUEST_CHECKS_WAITING_MAX)
      throw new Problem("unavailable", "too many guests connect at once", { retryAfterMs: 1000 });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ guest: identity.sub, resolve, reject });
      if (this.#waiting.length === 1) this.#options.soon(() => void this.#ask());
    });
  }

  /**
   * The same for a connection that was checked before its topics were joined. An upgrade appends to
   * the guest's own topic, so a topic without an event needs no second call.
   */
  async isUpgradedMeanwhile(
    identity: Identity | undefined,
    channels: readonly HubChannel[],
  ): Promise<boolean> {
    if (identity?.role !== "guest") return false;
    const own = channels.find(({ topic }) => isOwnTopic(identity, topic));
    return own !== undefined && own.seq > 0 && (await this.isUpgraded(identity));
  }

  async #ask(): Promise<void> {
    const checks = this.#waiting;
    this.#waiting = [];
    try {
      const guests = [...new Set(checks.map(({ guest }) => guest))];
      const upgraded = new Set(await this.#options.upstream.upgraded?.(guests));
      for (const { guest, resolve } of checks) resolve(upgraded.has(guest));
    } catch (error) {
      for (const { reject } of checks) reject(error);
    }
  }
}

/** The guest whose topic it is has become a member: what the old token opened ends. */
export function endGuest(
  channel: HubChannel | undefined,
  end: (connection: Connection) => void,
): void {
  for (const subscription of [...(channel?.subscriptions ?? [])]) {
    const connection = subscription?.connection;
    if (channel === undefined || connection === undefined) continue;
    const { identity } = connection;
    // A server's token that covers the topic is its own.
    if (identity === undefined || isOwnTopic(identity, channel.topic)) end(connection);
  }
}
