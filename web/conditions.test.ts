import { describe, expect, test } from "bun:test";
import { chooseCoding, hasVersion } from "./conditions.ts";

const asking = (name: string, value: string | undefined) =>
  new Request("http://x/", { headers: value === undefined ? {} : { [name]: value } });

describe("the coding of an answer", () => {
  const cases: readonly (readonly [accepted: string | undefined, coding: string | undefined])[] = [
    [undefined, "identity"],
    ["", "identity"],
    ["gzip", "gzip"],
    ["gzip, br", "br"],
    ["gzip, deflate, br, zstd", "br"],
    ["gzip;q=1.0, br;q=0.5", "gzip"],
    ["GZIP", "gzip"],
    ["x-gzip", "gzip"],
    ["gzip;q=0", "identity"],
    ["gzip;q=0.000", "identity"],
    ["gzip ; q=0, br ;\tq=0.1", "br"],
    ["gzip;q=0, br;q=0", "identity"],
    ["deflate", "identity"],
    ["brotli", "identity"],
    ["gzipped, not-br", "identity"],
    ["*", "br"],
    ["*;q=0", undefined],
    ["*;q=0, gzip", "gzip"],
    ["*;q=0, identity;q=0.5", "identity"],
    ["br;q=0, *", "gzip"],
    ["identity;q=0", undefined],
    ["identity;q=0, gzip;q=0.1", "gzip"],
    ["identity, gzip;q=0.5", "identity"],
    ["identity;q=0, *;q=0.2", "br"],
    ["gzip;q=2", "identity"],
    ["gzip;q=", "identity"],
    [",, gzip ,", "gzip"],
  ];
  for (const [accepted, coding] of cases)
    test(`for ${JSON.stringify(accepted)} is ${coding}`, () => {
      expect(chooseCoding(asking("accept-encoding", accepted))).toBe(coding as never);
    });
});

describe("a version is one that the client has", () => {
  const cases: readonly (readonly [header: string | undefined, has: boolean])[] = [
    [undefined, false],
    ['"abc"', true],
    ['W/"abc"', true],
    ["*", true],
    [" * ", true],
    ['"x", "abc"', true],
    ['"x",W/"abc" , "y"', true],
    ['"x", "y"', false],
    ['"abcd"', false],
    ['w/"abc"', true],
    ["abc", false],
    ['"ab", "c"', false],
    ['"x,"abc"', false],
    ['"a,b", "abc"', true],
    ["", false],
  ];
  for (const [header, has] of cases)
    test(`${JSON.stringify(header)}: ${has}`, () => {
      expect(hasVersion(asking("if-none-match", header), '"abc"')).toBe(has);
    });
});
