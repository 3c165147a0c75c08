import { expect, test } from "bun:test";
import { addressGroupOf } from "./address-group.ts";

const cases: readonly (readonly [address: string, group: string])[] = [
  ["203.0.113.7", "203.0.113.7"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["2001:0DB8:0:0:ffff:1:2:3", "2001:db8:0:0::/64"],
  ["2001:db8:0:1::1", "2001:db8:0:1::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ["::ffff:cb00:7107", "203.0.113.7"],
  ["0:0:0:0:0:ffff:203.0.113.7", "203.0.113.7"],
  ["2001:db8:0:0::/64", "2001:db8:0:0::/64"],
  ["", ""],
  ["not an address", "not an address"],
  ["1:2:3", "1:2:3"],
  ["1::2::3", "1::2::3"],
  ["::ffff:203.0.113.256", "::ffff:203.0.113.256"],
  ["12345::1", "12345::1"],
];

for (const [address, group] of cases)
  test(`${JSON.stringify(address)} counts as ${JSON.stringify(group)}`, () => {
    expect(addressGroupOf(address)).toBe(group);
    expect(addressGroupOf(group)).toBe(group);
  });
