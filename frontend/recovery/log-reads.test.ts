import { expect, test } from "bun:test";
import { LOG_READS_MAX, LOG_READS_PER_ADDRESS_SHARE } from "../limits.ts";
import { LogReads } from "./log-reads.ts";

/** A log that answers when the test says so. */
function slowLog() {
  const begun: string[] = [];
  const answers = new Map<string, { resolve(value: string): void; reject(error: Error): void }>();
  return {
    begun,
    read: (key: string) => () => {
      begun.push(key);
      return new Promise<string>((resolve, reject) => answers.set(key, { resolve, reject }));
    },
    async answer(key: string) {
      answers.get(key)?.resolve(`the answer to ${key}`);
      await settled();
    },
    async fail(key: string) {
      answers.get(key)?.reject(new Error(key));
      await settled();
    },
  };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("one address with many reads does not keep another from the log", async () => {
  const log = slowLog();
  const reads = new LogReads(8);
  for (let number = 0; number < 2000; number++)
    void reads.read("10.0.0.1", `a${number}`, log.read(`a${number}`));
  void reads.read("10.0.0.2", "b", log.read("b"));
  await settled();
  // A quarter of the places for one address, and none held up behind it.
  expect(log.begun).toEqual(["a0", "a1", "b"]);
  await log.answer("a0");
  expect(log.begun).toEqual(["a0", "a1", "b", "a2"]);
});

test("no more reads than places, over all addresses", async () => {
  const log = slowLog();
  const reads = new LogReads(8);
  for (let number = 0; number < 20; number++)
    void reads.read(`10.0.0.${number}`, `r${number}`, log.read(`r${number}`));
  await settled();
  expect(log.begun.length).toBe(8);
});

test("LOG_READS_MAX are in flight by default, the next one when one of them ends", async () => {
  const log = slowLog();
  const reads = new LogReads();
  for (let number = 0; number <= LOG_READS_MAX; number++)
    void reads.read(`10.0.${number}.1`, `r${number}`, log.read(`r${number}`));
  await settled();
  expect(log.begun.length).toBe(LOG_READS_MAX);
  await log.answer("r0");
  expect(log.begun.at(-1)).toBe(`r${LOG_READS_MAX}`);
  const one = slowLog();
  const ofOne = new LogReads();
  for (let number = 0; number <= LOG_READS_MAX; number++)
    void ofOne.read("10.0.0.1", `r${number}`, one.read(`r${number}`));
  await settled();
  expect(one.begun.length).toBe(Math.floor(LOG_READS_MAX * LOG_READS_PER_ADDRESS_SHARE));
});

test("equal requests share one read, and its failure", async () => {
  const log = slowLog();
  const reads = new LogReads(8);
  const asked = Array.from({ length: 100 }, (_, number) =>
    reads.read(`10.0.0.${number}`, "same", log.read("same")),
  );
  await settled();
  expect(log.begun).toEqual(["same"]);
  await log.answer("same");
  expect(new Set(await Promise.all(asked))).toEqual(new Set(["the answer to same"]));
  const failing = reads.read("10.0.0.1", "same", log.read("same"));
  await settled();
  await log.fail("same");
  expect(failing).rejects.toThrow("same");
  void reads.read("10.0.0.1", "after", log.read("after"));
  await settled();
  expect(log.begun.at(-1)).toBe("after");
});

test("a read behind many of another address has the turns of all its requesters", async () => {
  const log = slowLog();
  const reads = new LogReads(4);
  for (const key of ["a0", "a1", "a2", "wanted"]) void reads.read("10.0.0.1", key, log.read(key));
  const mine = reads.read("10.0.0.2", "wanted", log.read("wanted"));
  await settled();
  expect(log.begun).toEqual(["a0", "wanted"]);
  await log.answer("wanted");
  expect(await mine).toBe("the answer to wanted");
});
