/**
 * The watermark: what ids say of the log beside their own topic. The stamp: every durable event
 * committed up to it was broadcast before this frame. So a report's stamp counts only when all that
 * the report named is broadcast; events pending in a channel or being pulled are not.
 *
 * The reach: the newest moment that an event, a head or a report named here. A client that returns
 * with an id has nothing newer; a log that never reached it has lost events of that client.
 *
 * When another epoch appears, ids name the newest moment of each epoch, and the stamp is frozen
 * until the log has confirmed all of them (`log-epoch.ts`): events of a lost future may be in
 * flight.
 */

import type { Epoch, Moment, Stamp } from "@ovation/protocol";

/**
 * Epochs that ids name in doubt; beyond, after several restores within seconds, the oldest is left
 * out.
 */
export const EPOCHS_MAX = 4;

/** Something that a report named and that has not been broadcast. */
export interface Outstanding {
  isBroadcast(): boolean;
}

interface Pending {
  readonly stamp: Stamp;
  readonly outstanding: Outstanding[];
}

export class Watermark {
  /** The newest stamp that ids may name. */
  stamp: Stamp = 0;
  /** Called when another epoch appears, and not again before `confirm` or `replace`. */
  onDoubt: () => void = () => undefined;
  readonly #pending: Pending[] = [];
  /** The newest moment of each epoch that was seen; one, except in doubt. */
  #reach: readonly { readonly epoch: Epoch; stamp: Stamp }[] = [];
  #inDoubt = false;
  /** What the last report said. */
  #reported: Moment = { epoch: "", stamp: 0 };

  /** Reports whose events have not all been broadcast. */
  get pending(): number {
    return this.#pending.length;
  }

  /** What the log must have reached; empty before the first durable event. */
  get reach(): readonly Moment[] {
    return this.#reach;
  }

  /** Something that the log said it holds. What is not newer than the reach says nothing new. */
  noteStored(epoch: Epoch, stamp: Stamp): void {
    if (stamp > (this.#reach[0]?.stamp ?? 0)) this.note(epoch, stamp);
  }

  /** Hot path: for every durable event that was dispatched. */
  note(epoch: Epoch, stamp: Stamp): void {
    const [newest] = this.#reach;
    if (newest !== undefined && epoch === newest.epoch && !this.#inDoubt) {
      if (stamp > newest.stamp) newest.stamp = stamp;
      return;
    }
    const known = this.#reach.find((moment) => moment.epoch === epoch);
    if (epoch === "" || (known !== undefined && known.stamp >= stamp)) return;
    const others = this.#reach.filter((moment) => moment !== known);
    this.#reach = [{ epoch, stamp }, ...others].slice(0, EPOCHS_MAX);
    if (others.length > 0) this.#doubt();
  }

  /** `epoch` is absent in reports of earlier versions. */
  add(stamp: Stamp, outstanding: Outstanding[], epoch: Epoch = ""): void {
    // Reports come in order: a lower stamp is one of a log that has lost its newest events.
    const isLower = epoch !== "" && stamp < this.#reported.stamp;
    const isOther = epoch !== "" && this.#reach[0] !== undefined && epoch !== this.#reach[0].epoch;
    this.#reported = { epoch, stamp };
    if (isOther) this.note(epoch, stamp);
    else this.noteStored(epoch, stamp);
    if (isLower) this.#doubt();
    this.#pending.push({ stamp, outstanding });
    this.settle();
  }

  #doubt(): void {
    if (this.#inDoubt) return;
    this.#inDoubt = true;
    this.onDoubt();
  }

  /** The log holds everything up to the reach: the epochs are parts of one log. */
  confirm(): void {
    this.#inDoubt = false;
    const newest = this.#reach.reduce((one, other) => (one.stamp >= other.stamp ? one : other));
    this.#reach = [newest];
    this.settle();
  }

  /** It does not: what reports said so far is of the lost future. */
  discard(): void {
    this.#pending.length = 0;
    this.#reported = { epoch: "", stamp: 0 };
  }

  /** No viewer here has lost events any more: drops the `lost` moments, and keeps later ones. */
  replace(lost: readonly Moment[]): void {
    this.#inDoubt = false;
    const { epoch, stamp } = this.#reported;
    this.#reach = this.#reach.filter(
      (moment) => moment.epoch === epoch || !lost.some((one) => one.epoch === moment.epoch),
    );
    this.noteStored(epoch, stamp);
    this.stamp = 0;
    if (this.#reach.length > 1) this.#doubt();
    this.settle();
  }

  /** Call it before a broadcast. In order: a stamp counts after those of all earlier reports. */
  settle(): void {
    if (this.#inDoubt) return;
    for (let first = this.#pending[0]; first !== undefined; first = this.#pending[0]) {
      const { outstanding } = first;
      for (let last = outstanding.at(-1); last !== undefined; last = outstanding.at(-1)) {
        if (!last.isBroadcast()) return;
        outstanding.pop();
      }
      this.stamp = Math.max(this.stamp, first.stamp);
      this.#pending.shift();
    }
  }
}
