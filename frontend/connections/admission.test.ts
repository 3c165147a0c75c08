import { describe, expect, test } from "bun:test";
import { type Clock, createMemoryPools } from "@ovation/protocol";
import fc from "fast-check";
import { Admission, OPEN_ADMISSION } from "./admission.ts";

class ManualClock implements Clock {
  ms = 1_000_000;
  now(): number {
    return this.ms;
  }
  after(): () => void {
    throw new Error("admission waits for nothing");
  }
}

describe("admission", () => {
  test("accepts as many as the process can hold, and one more for each that leaves", () => {
    const admission = new Admission(
      { connectionsMax: 3, perAddressMax: 10, connectsPerSecond: 1000 },
      new ManualClock(),
    );
    const enter = () => admission.enter("a");
    expect([enter(), enter(), enter(), enter()]).toEqual([undefined, undefined, undefined, "full"]);
    admission.leave("a");
    expect([enter(), enter()]).toEqual([undefined, "full"]);
  });

  test("counts each address by itself", () => {
    const admission = new Admission(
      { connectionsMax: 100, perAddressMax: 2, connectsPerSecond: 1000 },
      new ManualClock(),
    );
    expect(["a", "a", "a", "b"].map((address) => admission.enter(address))).toEqual([
      undefined,
      undefined,
      "address",
      undefined,
    ]);
    admission.leave("a");
    expect(admission.enter("a")).toBeUndefined();
  });

  test("lets through a burst of two seconds, then as many as the rate", () => {
    const clock = new ManualClock();
    const admission = new Admission(
      { connectionsMax: 1000, perAddressMax: 1000, connectsPerSecond: 10 },
      clock,
    );
    const take = (count: number) =>
      Array.from({ length: count }, () => admission.enter("a")).filter(
        (refusal) => refusal === undefined,
      ).length;
    expect(take(50)).toBe(20);
    clock.ms += 1000;
    expect(take(50)).toBe(10);
    clock.ms += 60_000;
    expect(take(50)).toBe(20);
  });

  test("a refusal by address or for lack of room does not count in the rate", () => {
    const admission = new Admission(
      { connectionsMax: 1000, perAddressMax: 1, connectsPerSecond: 2 },
      new ManualClock(),
    );
    admission.enter("a");
    for (let count = 0; count < 100; count++) expect(admission.enter("a")).toBe("address");
    expect(["b", "c", "d"].map((address) => admission.enter(address))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(admission.enter("e")).toBe("rate");
  });

  test("counts the connections of an address over all processes that share its pools", () => {
    const clock = new ManualClock();
    const pools = createMemoryPools(clock);
    const limits = { connectionsMax: 100, perAddressMax: 3, connectsPerSecond: 1000 };
    const [one, other] = [
      new Admission(limits, clock, { pools }),
      new Admission(limits, clock, { pools }),
    ];
    expect([one, other, one, other, one].map((process) => process.enter("a"))).toEqual([
      undefined,
      undefined,
      undefined,
      "address",
      "address",
    ]);
    one.leave("a");
    expect(other.enter("a")).toBeUndefined();
  });

  test("a full process evicts a connection of the heaviest address for one that holds less", () => {
    const evicted: string[] = [];
    const admission: Admission = new Admission(
      { connectionsMax: 5, perAddressMax: 10, connectsPerSecond: 1000 },
      new ManualClock(),
      {
        evict(address) {
          evicted.push(address);
          admission.leave(address);
          return true;
        },
      },
    );
    const enter = (address: string) => admission.enter(address);
    expect(["a", "a", "a", "a", "b"].map(enter)).toEqual(Array(5).fill(undefined));
    expect([enter("c"), enter("b")]).toEqual([undefined, undefined]);
    expect(evicted).toEqual(["a", "a"]);
    // a and b hold two each: whatever one more took, the other would take back.
    expect([enter("a"), enter("b"), enter("c"), enter("d")]).toEqual([
      "full",
      "full",
      "full",
      undefined,
    ]);
  });

  test("a full process that can evict nothing refuses", () => {
    const admission = new Admission(
      { connectionsMax: 3, perAddressMax: 10, connectsPerSecond: 1000 },
      new ManualClock(),
      { evict: () => false },
    );
    expect(["a", "a", "a", "b"].map((address) => admission.enter(address))).toEqual([
      undefined,
      undefined,
      undefined,
      "full",
    ]);
  });

  test("accepts no connection while it drains", () => {
    const admission = new Admission(OPEN_ADMISSION, new ManualClock());
    admission.draining = true;
    expect(admission.enter("a")).toBe("draining");
  });

  test("in any order of connects and closes, no limit is passed and no place is lost", () => {
    const steps = fc.array(
      fc.record({ address: fc.constantFrom("a", "b", "c"), leaves: fc.boolean() }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const admission = new Admission(
          { connectionsMax: 5, perAddressMax: 2, connectsPerSecond: 1_000_000 },
          new ManualClock(),
        );
        const inside: string[] = [];
        for (const { address, leaves } of all) {
          if (leaves) {
            const gone = inside.pop();
            if (gone !== undefined) admission.leave(gone);
            continue;
          }
          const ofAddress = inside.filter((other) => other === address).length;
          const expected = inside.length >= 5 ? "full" : ofAddress >= 2 ? "address" : undefined;
          if (admission.enter(address) !== expected) return false;
          if (expected === undefined) inside.push(address);
        }
        return true;
      }),
      // No time limit: on a stalled machine it ends before the first run, which is a failure.
      { numRuns: 100 },
    );
  }, 60_000);
});
