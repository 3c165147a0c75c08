import { expect, test } from "bun:test";
import { formatLogLine } from "./log-line.ts";

test("a line of the log is a sentence with its cause; what is none is shown as it is", () => {
  const line = (value: object) => formatLogLine("east/dispatcher-0", JSON.stringify(value));
  const error = {
    name: "CallFailedError",
    message: "http://127.0.0.1:1: timed out",
    stack: "at …",
  };
  expect(
    line({
      level: "warn",
      time: "2026-11-30T12:38:41.040Z",
      error,
      what: "viewers of west",
      msg: "failed, and continues",
    }),
  ).toBe(
    "east/dispatcher-0: failed, and continues (viewers of west; http://127.0.0.1:1: timed out)",
  );
  expect(line({ level: "info", peer: "west", state: "up", detail: 3, msg: "data centre" })).toBe(
    "east/dispatcher-0: info: data centre (peer west; state up; detail 3)",
  );
  expect(line({ level: "error", msg: "no more" })).toBe("east/dispatcher-0: error: no more");
  expect(formatLogLine("east/frontend-1", "panic: 7")).toBe("east/frontend-1: panic: 7");
  expect(formatLogLine("east/frontend-1", "7")).toBe("east/frontend-1: 7");
});
