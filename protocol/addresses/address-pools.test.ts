import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RATE_ADDRESSES_MAX } from "../limits.ts";
import { addressGroupOf } from "./address-group.ts";
import { ManualClock, testAddressPools } from "./address-pools.contract.ts";
import { createMemoryPools } from "./address-pools-memory.ts";
import { AddressTally } from "./address-tally.ts";

describe("address pools in memory", () => testAddressPools(createMemoryPools));

test("with more addresses than a rate keeps, the oldest is evicted", () => {
  const uses = createMemoryPools(new ManualClock()).rates("uses", 1, 60_000);
  for (let number = 0; number <= RATE_ADDRESSES_MAX; number++) uses.add(`a${number}`, 1);
  expect([uses.left("a0"), uses.left("a1"), uses.left(`a${RATE_ADDRESSES_MAX}`)]).toEqual([
    1, 0, 0,
  ]);
});

test("a tally agrees with a plain count, whatever is added and removed", () => {
  const change = fc.record({
    address: fc.constantFrom("a", "b", "c", "d"),
    units: fc.integer({ min: -6, max: 6 }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const tally = new AddressTally();
      const plain = new Map<string, number>();
      for (const { address, units } of changes) {
        if (units < 0) tally.remove(address, -units);
        else tally.add(address, units);
        plain.set(address, Math.max(0, (plain.get(address) ?? 0) + units));
        expect(tally.heaviest()?.held ?? 0).toBe(Math.max(...plain.values()));
      }
      for (const [address, held] of plain) expect(tally.held(address)).toBe(held);
      expect(tally.size).toBe([...plain.values()].filter((held) => held > 0).length);
    }),
  );
});

describe("the group of an address", () => {
  const cases = [
    ["203.0.113.7", "203.0.113.7"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:DB8:0:0:1:2:3:4", "2001:db8:0:0::/64"],
    ["2001:db8:0:0::/64", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["::ffff:cb00:7107", "203.0.113.7"],
    ["64:ff9b::203.0.113.7", "64:ff9b:0:0::/64"],
    ["", ""],
    ["no: address", "no: address"],
    ["1::2::3", "1::2::3"],
  ] as const;
  for (const [address, group] of cases)
    test(`${JSON.stringify(address)} counts as ${JSON.stringify(group)}`, () =>
      expect(addressGroupOf(address)).toBe(group));
});
