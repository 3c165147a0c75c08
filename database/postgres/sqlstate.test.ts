import { expect, test } from "bun:test";
import { kindOfSqlstate } from "./sqlstate.ts";

test.each([
  ["08006", "unavailable"],
  ["25006", "unavailable"],
  ["25P03", "unavailable"],
  ["53300", "unavailable"],
  ["55P03", "unavailable"],
  ["57014", "unavailable"],
  ["58030", "unavailable"],
  ["53100", "full"],
  ["40001", "conflict"],
  ["40P01", "conflict"],
  ["28P01", "unusable"],
  ["3D000", "unusable"],
  ["42501", "unusable"],
  ["22P05", "statement"],
  ["23505", "statement"],
  ["42601", "statement"],
  ["25001", "statement"],
  ["", "statement"],
] as const)("SQLSTATE %p is %p", (state, kind) => {
  expect(kindOfSqlstate(state)).toBe(kind);
});
