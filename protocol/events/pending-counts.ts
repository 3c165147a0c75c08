/** What happened to pending events. */

/** Totals; many buffers may share one object. */
export interface PendingCounts {
  /** Events merged into another one. */
  merged: number;
  /** Dropped because the buffer was full, and dropped because they had waited too long. */
  droppedFull: number;
  expired: number;
  /** The durable ones among these. */
  readonly durable: { droppedFull: number; expired: number };
  /** Events too large for a frame, announced instead of sent. */
  oversized: number;
}

export function createPendingCounts(): PendingCounts {
  return {
    merged: 0,
    droppedFull: 0,
    expired: 0,
    durable: { droppedFull: 0, expired: 0 },
    oversized: 0,
  };
}
