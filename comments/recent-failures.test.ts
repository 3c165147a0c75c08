import { expect, test } from "bun:test";
import { jsonAnswer, Problem, type Route, type RouteContext } from "@ovation/protocol";
import { createManualClock } from "../testing/manual-clock.ts";
import { RECENT_FAILURE_AGE_MS } from "./limits.ts";
import { RecentFailures } from "./recent-failures.ts";

const context: RouteContext = { params: {}, address: "" };

function open() {
  const clock = createManualClock();
  const failures = new RecentFailures(clock);
  let error: Error | undefined;
  const route: Route = failures.watch({
    method: "GET",
    path: "/",
    async handle() {
      if (error !== undefined) throw error;
      return jsonAnswer("{}");
    },
  });
  const call = async (next?: Error) => {
    error = next;
    await Promise.resolve(route.handle(new Request("http://localhost/"), context)).catch(
      () => undefined,
    );
  };
  return { clock, failures, call };
}

test("a refusal by the databases is the reason for RECENT_FAILURE_AGE_MS", async () => {
  const { clock, failures, call } = open();
  expect(failures.reason).toBeUndefined();
  await call(new Problem("unavailable", "The database does not answer"));
  await call();
  expect(failures.reason).toBe("requests are refused: The database does not answer");
  clock.advanceNow(RECENT_FAILURE_AGE_MS);
  expect(failures.reason).toBeDefined();
  clock.advanceNow(1);
  expect(failures.reason).toBeUndefined();
});

test("a refusal of a bad request, and an error of the program, are no reason", async () => {
  const { failures, call } = open();
  await call(new Problem("invalid-body"));
  await call(new Error("a mistake"));
  expect(failures.reason).toBeUndefined();
});

test("the route rejects with the error that it records", async () => {
  const { failures } = open();
  const full = new Problem("log-full");
  const route = failures.watch({ method: "GET", path: "/", handle: () => Promise.reject(full) });
  await expect(route.handle(new Request("http://localhost/"), context)).rejects.toBe(full);
});
