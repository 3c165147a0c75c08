/** The newest notifications of a member, which are new, and the sanction in force. Pure. */

import type { Notice, NotificationData } from "@ovation/client";
import { NOTICES_MAX, TIMER_MS_MAX } from "./limits.ts";

export type Sanction = Extract<NotificationData, { kind: "timed-out" | "banned" }>;

export class Notices {
  /** Notifications up to this number were seen. */
  seen = 0;
  #list: Notice[] = [];

  /** The newest first. */
  get list(): readonly Notice[] {
    return this.#list;
  }

  get unseen(): number {
    return this.#list.filter(({ seq }) => seq > this.seen).length;
  }

  get newest(): number {
    return this.#list[0]?.seq ?? 0;
  }

  /** Returns whether it was new. */
  add(notice: Notice): boolean {
    if (this.#list.some(({ seq }) => seq === notice.seq)) return false;
    this.#list = [...this.#list, notice].sort((a, b) => b.seq - a.seq).slice(0, NOTICES_MAX);
    return true;
  }

  /** Returns whether it was present. */
  remove(seq: number): boolean {
    const kept = this.#list.filter((notice) => notice.seq !== seq);
    const was = kept.length < this.#list.length;
    this.#list = kept;
    return was;
  }

  /** The sanction in force at `now`, in `video` or on the whole site: the one that ends last. */
  sanction(now: number, video: string | undefined): Sanction | undefined {
    const inForce = new Map<string, Sanction>();
    for (const { data } of [...this.#list].reverse()) {
      if (data.kind === "timed-out" || data.kind === "banned") inForce.set(data.video ?? "", data);
      else if (data.kind === "restored") inForce.delete(data.video ?? "");
    }
    return [inForce.get(""), video === undefined ? undefined : inForce.get(video)]
      .filter((each) => each !== undefined && endOf(each) > now)
      .sort((a, b) => (b === undefined || a === undefined ? 0 : endOf(b) - endOf(a)))[0];
  }
}

/** How long to wait, ms, until the sanction is over; cut to the longest wait of a timer. */
export function untilEnd(sanction: Sanction, now: number): number {
  return Math.min(TIMER_MS_MAX, endOf(sanction) - now + 50);
}

export function endOf({ until }: Sanction): number {
  return until ?? Number.POSITIVE_INFINITY;
}
