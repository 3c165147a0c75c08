/** Which links may say who a reader is. */

import { expect, test } from "bun:test";
import { claimedBy, decide } from "./browser/handed-token.ts";

const alice = { sub: "alice", name: "Alice", role: "member" };
const eve = { sub: "eve", name: "Alice", role: "member" };
const page = {
  ownOrigin: "https://live.example.org",
  referrer: "",
  site: "none",
  allowedOrigins: ["https://www.example.org"],
};

test("a link of another site says nothing, whether it hides its name or not", () => {
  for (const from of [
    { referrer: "https://attacker.example/", site: "cross-site" },
    { referrer: "", site: "cross-site" },
    { referrer: "https://a.example.org/", site: "same-site" },
    { referrer: "https://www.example.org.evil/", site: "" },
    { referrer: "http://live.example.org/", site: "cross-site" },
  ])
    for (const current of [undefined, alice])
      expect([from, decide({ ...page, ...from }, eve, current)]).toEqual([from, "drop"]);
});

test("a token from this server's pages, listed origins and the address bar is accepted", () => {
  for (const from of [
    { referrer: "https://live.example.org/watch/1", site: "same-origin" },
    { referrer: "https://www.example.org/", site: "cross-site" },
    { referrer: "", site: "none" },
  ]) {
    expect([from, decide({ ...page, ...from }, alice, undefined)]).toEqual([from, "take"]);
    // The same person again: a fresh token.
    expect([from, decide({ ...page, ...from }, alice, alice)]).toEqual([from, "take"]);
    // Another member's token always asks first, whatever its source.
    expect([from, decide({ ...page, ...from }, eve, alice)]).toEqual([from, "ask"]);
  }
});

test("where a browser does not say where a link was, the reader is asked", () => {
  expect(decide({ ...page, site: "" }, alice, undefined)).toBe("ask");
});

test("guests and what is no token are never taken from a link", () => {
  expect(decide(page, { ...eve, role: "guest" }, undefined)).toBe("drop");
  expect(decide(page, claimedBy("nonsense"), undefined)).toBe("drop");
  const payload = btoa(JSON.stringify({ sub: "alice" }));
  expect(claimedBy(`e30.${payload}.x`)).toEqual({ sub: "alice", name: "alice", role: "member" });
});
