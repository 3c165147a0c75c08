import { describe, expect, test } from "bun:test";
import { MemorySharedStore } from "@ovation/table";
import { createManualClock } from "../../testing/manual-clock.ts";
import { Presence, type PresenceValues } from "./presence.ts";

const HEARTBEAT_MS = 30_000;
const GRACE_MS = 5_000;

function setUp() {
  const clock = createManualClock(1_000_000);
  const shared = new MemorySharedStore(clock);
  let away = false;
  const values: PresenceValues = {
    set: (key, value, ttlMs) =>
      away ? Promise.reject(new Error("away")) : shared.set(key, value, ttlMs),
    get: (keys) => (away ? Promise.reject(new Error("away")) : shared.get(keys)),
  };
  const changes: string[] = [];
  const failures: unknown[] = [];
  const open = (name: string): Presence =>
    new Presence({
      values,
      clock,
      heartbeatMs: HEARTBEAT_MS,
      graceMs: GRACE_MS,
      onChange: (member, { online }) => {
        changes.push(`${name} ${member} ${online ? "online" : "offline"} ${clock.now() / 1_000}`);
      },
      onFailure: (error) => failures.push(error),
    });
  return { clock, changes, failures, open, cut: (cut: boolean) => (away = cut) };
}

describe("presence", () => {
  test("online at the first heartbeat, offline d + 2ε after the last one", async () => {
    const { clock, changes, open } = setUp();
    const presence = open("a");
    await presence.heartbeat(["ana"]);
    for (let beat = 0; beat < 5; beat++) {
      await clock.advance(HEARTBEAT_MS);
      await presence.heartbeat(["ana"]);
    }
    const last = clock.now();
    await clock.advance(HEARTBEAT_MS + GRACE_MS - 1);
    expect(await presence.status(["ana"])).toMatchObject([{ online: true }]);
    await clock.advance(1);
    expect(await presence.status(["ana", "ben"])).toEqual([
      { online: false, seenAt: last },
      { online: false },
    ]);
    await clock.advance(120_000);
    expect(changes).toEqual([
      "a ana online 1000",
      `a ana offline ${(last + HEARTBEAT_MS + 2 * GRACE_MS) / 1_000}`,
    ]);
    expect(presence.watched).toBe(0);
  });

  test("a reconnect within d + ε does not flicker, even at another process", async () => {
    const { clock, changes, open } = setUp();
    const [a, b] = [open("a"), open("b")];
    await a.heartbeat(["ana"]);
    await clock.advance(HEARTBEAT_MS + GRACE_MS - 1_000);
    await b.heartbeat(["ana"]);
    await clock.advance(2 * GRACE_MS);
    expect(changes).toEqual(["a ana online 1000"]);
    await clock.advance(200_000);
    expect(changes).toHaveLength(2);
    expect(changes[1]).toStartWith("b ana offline");
  });

  test("a process that dies leaves no member online for longer than d + ε", async () => {
    const { clock, open } = setUp();
    const [a, b] = [open("a"), open("b")];
    await a.heartbeat(["ana"]);
    a.close();
    await clock.advance(HEARTBEAT_MS + GRACE_MS);
    expect(await b.status(["ana"])).toMatchObject([{ online: false }]);
  });

  test("an unreachable store delays events, and loses no member", async () => {
    const { clock, changes, failures, open, cut } = setUp();
    const presence = open("a");
    await presence.heartbeat(Array.from({ length: 450 }, (_, index) => `m${index}`));
    cut(true);
    expect(presence.heartbeat(["ana"])).rejects.toThrow("away");
    await clock.advance(100_000);
    expect(failures.length).toBeGreaterThan(0);
    expect(changes).toHaveLength(450);
    cut(false);
    await clock.advance(100_000);
    expect(changes.filter((change) => change.includes("offline"))).toHaveLength(450);
  });
});
