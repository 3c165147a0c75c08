import { expect, test } from "bun:test";
import { type FrontendId, frontendOf, parseConnectionId } from "@ovation/protocol";
import { createConnectionId } from "./connection-id.ts";

test("an id names its frontend, has the form of ids, and is another one every time", () => {
  const ids = Array.from({ length: 1000 }, () => createConnectionId("frontend1" as FrontendId));
  expect(new Set(ids).size).toBe(1000);
  for (const id of ids) {
    expect(parseConnectionId(id)).toBe(id);
    expect(String(frontendOf(id))).toBe("frontend1");
  }
});
