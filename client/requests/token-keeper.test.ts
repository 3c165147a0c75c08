import { expect, test } from "bun:test";
import { TokenKeeper } from "./token-keeper.ts";

test("a fixed token is used as it is, and cannot be renewed", async () => {
  const keeper = new TokenKeeper("one");
  expect(keeper.renewable).toBe(false);
  expect(await keeper.get()).toBe("one");
  expect(await new TokenKeeper(undefined).get()).toBeUndefined();
});

test("the callback is called once for concurrent callers, and again for a renewal", async () => {
  let calls = 0;
  const keeper = new TokenKeeper(async () => `token-${++calls}`);
  expect(keeper.renewable).toBe(true);
  expect(await Promise.all([keeper.get(), keeper.get()])).toEqual(["token-1", "token-1"]);
  const renewed = await Promise.all([keeper.renew("token-1"), keeper.renew("token-1")]);
  expect(renewed).toEqual(["token-2", "token-2"]);
  // A late caller with the old token gets the renewed one.
  expect(await keeper.renew("token-1")).toBe("token-2");
  expect(calls).toBe(2);
});

test("a callback that failed is called again by the next caller", async () => {
  let calls = 0;
  const keeper = new TokenKeeper(() => {
    if (++calls === 1) throw new Error("no session");
    return "token";
  });
  await expect(keeper.get()).rejects.toThrow("no session");
  expect(await keeper.get()).toBe("token");
});

test("a replaced token is not overwritten by a call that was in flight", async () => {
  let respond: (token: string) => void = () => {};
  const keeper = new TokenKeeper(() => new Promise((resolve) => (respond = resolve)));
  const old = keeper.get();
  await Promise.resolve();
  keeper.set("new");
  respond("old");
  expect(await old).toBe("old");
  expect(await keeper.get()).toBe("new");
});
