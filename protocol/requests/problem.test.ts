import { expect, test } from "bun:test";
import { PROBLEMS, Problem, type ProblemCode } from "./problem.ts";

test("every code has a kebab-case name, an error status and a title", () => {
  for (const [code, { status, title }] of Object.entries(PROBLEMS)) {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(status).toBeWithin(400, 600);
    expect(title.length).toBeGreaterThan(5);
    expect(new Problem(code as ProblemCode).message).toBe(title);
  }
});

test("the body has the code, the detail and the further properties", () => {
  expect(new Problem("unavailable", "try later", { retryAfterMs: 1500 }).toBody()).toEqual({
    type: "urn:ovation:problem:unavailable",
    title: PROBLEMS.unavailable.title,
    status: 503,
    detail: "try later",
    code: "unavailable",
    retryAfterMs: 1500,
  });
});

test("the response is not cached, and says when to retry in whole seconds", async () => {
  const response = new Problem("unavailable", undefined, { retryAfterMs: 1500 }).toResponse();
  expect(response.status).toBe(503);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(response.headers.get("retry-after")).toBe("2");
  expect(((await response.json()) as { code: string }).code).toBe("unavailable");
});

test("a 401 asks for a bearer token; any other status does not", () => {
  const asks = (code: ProblemCode) =>
    new Problem(code).toResponse().headers.get("www-authenticate");
  expect([asks("token-invalid"), asks("forbidden")]).toEqual(["Bearer", null]);
});
