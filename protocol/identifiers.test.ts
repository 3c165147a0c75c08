import { expect, test } from "bun:test";
import { frontendIdFrom, frontendOf, parseConnectionId, parseFrontendId } from "./identifiers.ts";

test("a frontend id from random bytes has the form of ids, and needs enough bytes", () => {
  const id = frontendIdFrom(crypto.getRandomValues(new Uint8Array(8)));
  expect(parseFrontendId(id)).toBe(id);
  expect(() => frontendIdFrom(new Uint8Array(3))).toThrow("at least 6 random bytes");
});

test("a connection id names its frontend; other texts are none", () => {
  const text = `frontend1.${"A-_z".repeat(5)}bc`;
  const id = parseConnectionId(text);
  if (id === undefined) throw new Error("it is an id");
  expect(frontendOf(id)).toBe(parseFrontendId("frontend1") as never);
  const others = ["", "frontend1", `${text}x`, text.slice(0, -1), text.replace("frontend1", "F")];
  expect(others.map(parseConnectionId)).toEqual(others.map(() => undefined));
});
