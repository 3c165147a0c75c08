import { expect, test } from "bun:test";
import { createManualClock } from "../../testing/manual-clock.ts";
import type { Connection } from "./connection.ts";
import { Heartbeats, SLOTS_MAX } from "./heartbeats.ts";

test("SLOTS_MAX: a long heartbeat has so many slots, and each connection a turn", async () => {
  for (const [heartbeatMs, slots] of [
    [(SLOTS_MAX - 1) * 200, SLOTS_MAX - 1],
    [SLOTS_MAX * 200, SLOTS_MAX],
    [60_000, SLOTS_MAX],
  ] as const) {
    const clock = createManualClock();
    const heartbeats = new Heartbeats({
      clock,
      steady: clock,
      heartbeatMs,
      stuckMs: 1000,
      end: () => undefined,
      pend: () => undefined,
    });
    const written = new Array<number>(SLOTS_MAX * 3).fill(0);
    for (const index of written.keys())
      heartbeats.add({
        slot: 0,
        pendingSince: 0,
        endsAt: Number.POSITIVE_INFINITY,
        takeWrote: () => false,
        writeBytes() {
          written[index] = (written[index] ?? 0) + 1;
          return undefined;
        },
      } as Partial<Connection> as Connection);
    heartbeats.start();
    const counted = () => written.reduce((sum, count) => sum + count, 0);
    await clock.advance(heartbeatMs / 2 / slots);
    expect(Math.abs(counted() - (SLOTS_MAX * 3) / slots)).toBeLessThan(1);
    await clock.advance(heartbeatMs / 2 - heartbeatMs / 2 / slots);
    expect(written.every((count) => count === 1)).toBe(true);
    heartbeats.stop();
  }
});
