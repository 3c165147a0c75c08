import { expect, test } from "bun:test";
import { judgeSecond, judgeStop, readyAgain } from "./stop-faults.ts";

const LOST =
  "3 likes of 2 videos were accepted and could not be stored or confirmed: they are lost";

test("a stop that ends with 0 in time is right, whatever was broken", () => {
  expect(judgeStop({ code: 0, tookMs: 19_000, lines: ["anything"] })).toBeUndefined();
});

test("a stop that needs a kill, ends by an exception or loses data in silence is wrong", () => {
  expect(judgeStop({ code: 137, tookMs: 20_010, lines: [] })).toContain("did not end within");
  expect(judgeStop({ code: 1, tookMs: 500, lines: ["uncaught exception: x"] })).toContain(
    "by an exception",
  );
  expect(judgeStop({ code: 1, tookMs: 500, lines: ["stopping"] })).toContain("does not say");
  expect(judgeStop({ code: 1, tookMs: 500, lines: [LOST] })).toBeUndefined();
});

test("a second server has to end by itself, and to name the reason", () => {
  expect(judgeSecond(undefined, [])).toContain("runs on the directory");
  expect(judgeSecond(0, [])).toContain("ended with 0");
  expect(judgeSecond("SIGSEGV", [])).toContain("ended with SIGSEGV");
  expect(judgeSecond(1, ["Error at start.ts:12"])).toContain("does not say why");
  expect(
    judgeSecond(1, ["another Ovation server (pid 7) uses the data directory /data"]),
  ).toBeUndefined();
});

test("a server that ended is started until it is ready, and one that runs is not", async () => {
  let starts = 0;
  const server = {
    running: false,
    ready: async () => {
      if (starts < 2) throw new Error("ended with 1 before it was ready");
    },
    restart: async () => void starts++,
  };
  await readyAgain(server);
  expect(starts).toBe(2);
  const stuck = { ...server, running: true, ready: () => Promise.reject(new Error("not in time")) };
  await expect(readyAgain(stuck)).rejects.toThrow("not in time");
  expect(starts).toBe(2);
});
