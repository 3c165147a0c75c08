/**
 * The reads of one round: which batches, and by how many connections.
 *
 * All of them get the time of the round's end, one clock reading for up to 64 reads. A latency is
 * therefore never understated, and overstated by at most the length of the round (some 0.3 ms); and
 * since a broadcast's bytes are one batch for all connections, its events are recorded once with a
 * count.
 */
import type { Batch } from "../batch.ts";
import type { Latency } from "../latency.ts";

/** Batches of a round with the same times. */
interface Reading {
  readonly batch: Batch;
  /**
   * When these connections had returned, where some of the batch is older: those events came by
   * recovery. Else 0.
   */
  readonly returnedUs: number;
  connections: number;
}

export class ReadingRound {
  #readings: Reading[] = [];

  add(batch: Batch, connectionReturnedUs: number): void {
    const returnedUs = batch.oldestUs < connectionReturnedUs ? connectionReturnedUs : 0;
    const latest = this.#readings[this.#readings.length - 1];
    // Hot path: the same batch as for the connection before, so no record for each event (20 ns
    // each, 10 events a read).
    if (latest !== undefined && latest.batch === batch && latest.returnedUs === returnedUs)
      latest.connections++;
    else this.#readings.push({ batch, returnedUs, connections: 1 });
  }

  get isEmpty(): boolean {
    return this.#readings.length === 0;
  }

  /** Records events that were due at `fromUs` or later, and begins the next round. */
  record(nowUs: number, fromUs: number, live: Latency, recovered: Latency): void {
    for (const { batch, returnedUs, connections } of this.#readings) {
      for (const sentUs of batch.sentUs) {
        if (sentUs >= fromUs)
          (sentUs < returnedUs ? recovered : live).record(nowUs - sentUs, connections);
      }
    }
    this.#readings = [];
  }
}
