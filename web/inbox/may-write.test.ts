import { expect, test } from "bun:test";
import { type MessageRule, mayWrite } from "./may-write.ts";

const ROLES = ["host", "moderator", "member", "guest"] as const;
const RULES: readonly MessageRule[] = ["staff", "members", "anyone"];

const allowedTo = (from: (typeof ROLES)[number], rule: MessageRule) =>
  ROLES.filter((to) => mayWrite(from, to, rule));

test("the menu offers to write to those to whom the server lets one write first", () => {
  for (const rule of RULES)
    for (const staff of ["host", "moderator"] as const)
      expect(allowedTo(staff, rule)).toEqual([...ROLES]);
  expect(allowedTo("member", "staff")).toEqual(["host", "moderator"]);
  expect(allowedTo("member", "members")).toEqual(["host", "moderator", "member"]);
  expect(allowedTo("guest", "staff")).toEqual([]);
  expect(allowedTo("guest", "members")).toEqual([]);
  for (const from of ["member", "guest"] as const)
    expect(allowedTo(from, "anyone")).toEqual([...ROLES]);
});
