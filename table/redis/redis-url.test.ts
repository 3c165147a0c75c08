import { expect, test } from "bun:test";
import { slotOf, tagOfSlot } from "./redis-slots.ts";
import { parseStoreUrl } from "./redis-url.ts";

test("URLs of one server, Sentinels and a Cluster are parsed", () => {
  expect(parseStoreUrl("redis://cache")).toMatchObject({
    kind: "single",
    hosts: [{ host: "cache", port: 6379 }],
    tls: false,
    database: 0,
  });
  expect(parseStoreUrl("valkeys://ana:p%40ss@cache:7000/3")).toMatchObject({
    kind: "single",
    hosts: [{ host: "cache", port: 7000 }],
    tls: true,
    username: "ana",
    password: "p@ss",
    database: 3,
  });
  expect(parseStoreUrl("redis+sentinel://:x@a:1,b:2,c/mymaster/1")).toMatchObject({
    kind: "sentinel",
    hosts: [
      { host: "a", port: 1 },
      { host: "b", port: 2 },
      { host: "c", port: 26_379 },
    ],
    name: "mymaster",
    password: "x",
    database: 1,
  });
  expect(parseStoreUrl("rediss+cluster://[::1]:7000,b:7001")).toMatchObject({
    kind: "cluster",
    hosts: [
      { host: "::1", port: 7000 },
      { host: "b", port: 7001 },
    ],
    tls: true,
  });
});

test("the form that is shown has no password", () => {
  expect(parseStoreUrl("redis://ana:secret@cache:6379/0").shown).toBe("redis://cache:6379/0");
});

test("an invalid URL is refused with the expected form, and without its password", () => {
  for (const text of [
    "",
    "http://x",
    "redis://",
    "redis://a,b",
    "redis+sentinel://a:1",
    "redis+cluster://a/2",
    "redis://a:99999",
    "redis://u:secret@a:x",
  ]) {
    expect(() => parseStoreUrl(text)).toThrow();
    try {
      parseStoreUrl(text);
    } catch (error) {
      expect(String(error)).not.toContain("secret");
    }
  }
});

test("slots follow the specification, and a tag is found for every slot", () => {
  // [spec] the CRC of "123456789" is 31C3.
  expect(slotOf("123456789")).toBe(0x31c3);
  expect(slotOf("foo")).toBe(12_182);
  for (const slot of [0, 1, 5461, 11_058, 16_383]) expect(slotOf(tagOfSlot(slot))).toBe(slot);
});
