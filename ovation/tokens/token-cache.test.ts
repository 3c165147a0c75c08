import { expect, test } from "bun:test";
import type { Identity } from "@ovation/protocol";
import {
  createTokenCache,
  TOKEN_AGE_MAX_MS,
  TOKEN_CHARACTERS_KEPT_MAX,
  TOKENS_KEPT_MAX,
} from "./token-cache.ts";

const identity = { sub: "alice" } as Identity;

function newCache() {
  const clock = { at: 1_000_000, now: () => clock.at, after: () => () => undefined };
  return { clock, cache: createTokenCache(clock) };
}

test("TOKENS_KEPT_MAX: so many tokens are kept; one more evicts the oldest", () => {
  const { cache } = newCache();
  for (let index = 0; index < TOKENS_KEPT_MAX; index++) cache.set(`t${index}`, identity);
  expect(cache.get("t0")).toBe(identity);
  cache.set("one more", identity);
  expect([cache.get("t0"), cache.get("t1")]).toEqual([undefined, identity]);
});

test("TOKEN_CHARACTERS_KEPT_MAX: more characters evict the oldest token", () => {
  const { cache } = newCache();
  const token = (index: number) => String(index).padEnd(TOKEN_CHARACTERS_KEPT_MAX / 4, "x");
  for (let index = 0; index < 4; index++) cache.set(token(index), identity);
  expect(cache.get(token(0))).toBe(identity);
  cache.set("x", identity);
  expect([cache.get(token(0)), cache.get(token(1))]).toEqual([undefined, identity]);
});

test("TOKEN_AGE_MAX_MS: a token is verified again after that time", () => {
  const { cache, clock } = newCache();
  cache.set("t", identity);
  clock.at += TOKEN_AGE_MAX_MS - 1;
  expect(cache.get("t")).toBe(identity);
  clock.at++;
  expect(cache.get("t")).toBeUndefined();
});
