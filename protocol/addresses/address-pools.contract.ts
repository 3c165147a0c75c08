/** The contract of every form of `AddressPools`. */

import { expect, test } from "bun:test";
import type { Clock } from "../requests/route.ts";
import type { AddressPools } from "./address-pools.ts";

export class ManualClock implements Clock {
  /** The start of a window of any length below a day. */
  ms = 86_400_000 * 20_000;
  now(): number {
    return this.ms;
  }
  after(): () => void {
    throw new Error("pools wait for nothing");
  }
}

/**
 * `open` returns the pools of one process; the next call returns those of another process of the
 * same installation.
 */
export function testAddressPools(open: (clock: Clock) => AddressPools): void {
  const shares = (max: number) => open(new ManualClock()).shares("things", max);

  test("an address takes its share and no more; other addresses keep theirs", () => {
    const things = shares(3);
    const taken = ["10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2"].map((address) =>
      things.take(address),
    );
    expect(taken).toEqual([true, true, true, false, true]);
    expect(things.held("10.0.0.1")).toBe(3);
    things.remove("10.0.0.1");
    expect(things.take("10.0.0.1")).toBe(true);
  });

  test("units are taken whole or not at all", () => {
    const things = shares(10);
    expect([7, 4, 3].map((units) => things.take("a", units))).toEqual([true, false, true]);
    expect(things.held("a")).toBe(10);
  });

  test("units over the share are reported; never more is returned than was taken", () => {
    const things = shares(2);
    things.add("a", 3);
    expect({ held: things.held("a"), over: things.isOver("a") }).toEqual({ held: 3, over: true });
    things.remove("a", 100);
    expect({ held: things.held("a"), over: things.isOver("a") }).toEqual({ held: 0, over: false });
    things.remove("never", 1);
    expect(things.held("never")).toBe(0);
  });

  test("the addresses of one IPv6 /64 and the two spellings of an IPv4 address are one", () => {
    const things = shares(1);
    expect(things.take("2001:db8::1")).toBe(true);
    expect(things.take("2001:db8:0:0:ffff::2")).toBe(false);
    expect(things.held("2001:db8:0:0::/64")).toBe(1);
    expect(things.take("2001:db8:0:1::1")).toBe(true);
    expect([things.take("::ffff:10.0.0.1"), things.take("10.0.0.1")]).toEqual([true, false]);
  });

  test("the empty address has no limit", () => {
    const pools = open(new ManualClock());
    const things = pools.shares("things", 1);
    const uses = pools.rates("uses", 1, 1000);
    for (let count = 0; count < 5; count++)
      expect([things.take(""), uses.take("")]).toEqual([true, true]);
    expect([things.held(""), uses.left("")]).toEqual([0, 1]);
  });

  test("the heaviest address is always known", () => {
    const things = shares(1000);
    expect(things.heaviest()).toBeUndefined();
    things.add("a", 5);
    things.add("b", 9);
    things.add("c", 1);
    expect(things.heaviest()).toEqual({ address: "b", held: 9 });
    things.remove("b", 8);
    expect(things.heaviest()).toEqual({ address: "a", held: 5 });
    things.remove("a", 5);
    expect(things.heaviest()?.held).toBe(1);
  });

  test("the same name is the same pool; another name is another pool", () => {
    const pools = open(new ManualClock());
    pools.shares("one", 5).add("a", 2);
    expect([pools.shares("one", 5).held("a"), pools.shares("two", 5).held("a")]).toEqual([2, 0]);
  });

  test("a rate is taken within a window that slides", () => {
    const clock = new ManualClock();
    const uses = open(clock).rates("uses", 10, 1000);
    expect([8, 3, 2].map((units) => uses.take("a", units))).toEqual([true, false, true]);
    expect(uses.take("b", 10)).toBe(true);
    clock.ms += 1000;
    // All of the last window is still covered, then half of it, then nothing.
    expect(uses.left("a")).toBe(0);
    clock.ms += 500;
    expect(uses.left("a")).toBe(5);
    expect([uses.take("a", 5), uses.take("a", 1)]).toEqual([true, false]);
    clock.ms += 2000;
    expect(uses.left("a")).toBe(10);
  });

  test("use beyond the rate leaves nothing, until the window has passed", () => {
    const clock = new ManualClock();
    const uses = open(clock).rates("uses", 10, 1000);
    uses.add("a", 1_000_000);
    expect(uses.left("a")).toBe(0);
    expect(uses.take("a", 1)).toBe(false);
    clock.ms += 2000;
    expect(uses.take("a", 10)).toBe(true);
  });
}
