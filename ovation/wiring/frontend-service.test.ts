import { expect, test } from "bun:test";
import { admissionLimits, CONNECTIONS_DEFAULT_MAX, DESCRIPTORS_SHARE } from "./frontend-service.ts";

test("CONNECTIONS_DEFAULT_MAX: a process takes so many, fewer by its files", () => {
  const most = (files: number, admission = {}) =>
    admissionLimits({ rateLimits: true, ...admission }, files).connectionsMax;
  const files = Math.ceil(CONNECTIONS_DEFAULT_MAX / DESCRIPTORS_SHARE);
  expect(most(files)).toBe(CONNECTIONS_DEFAULT_MAX);
  expect(most(10 * files)).toBe(CONNECTIONS_DEFAULT_MAX);
  expect(most(1000)).toBe(900);
  const connectionsMax = 2 * CONNECTIONS_DEFAULT_MAX;
  expect(most(10 * files, { connectionsMax })).toBe(connectionsMax);
});
