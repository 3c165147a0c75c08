import { expect, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { CallWatch, formatUnanswered, sumCalls, totalOf } from "./call-watch.ts";
import { ROWS } from "./rows.ts";
import { GrowthTable } from "./table.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

async function bench(...flags: readonly string[]) {
  const child = Bun.spawn([process.execPath, "load/bench.ts", ...flags], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { output, errors, code };
}

test("every part measures what it is for, on real dispatchers and stores", async () => {
  const { output, code } = await bench("growth", "--quick", "--frontends", "3");
  for (const { what } of Object.values(ROWS)) {
    const [line = `no line: ${what}`] = output
      .split("\n")
      .filter((one) => one.includes(`${what}  `));
    expect(line).not.toMatch(/–$|no line|NaN|never/);
  }
  expect(output).not.toContain("not measured");
  expect(output).toMatch(/✓ links: of 24 frontends.*: 24;/);
  expect(code).toBe(0);
}, 120_000);

test("a part or a number that does not exist is refused before anything starts", async () => {
  const part = await bench("growth", "--only", "idle,flush");
  expect(part.code).toBe(2);
  expect(part.errors).toContain("no part flush: growth has one-row, fanout,");
  const number = await bench("growth", "--frontends", "10,many");
  expect(number.code).toBe(2);
  expect(number.errors).toContain("--frontends takes numbers from 1 to 5,000");
  const other = await bench("interest", "--only", "idle");
  expect(other.code).toBe(2);
  expect(other.errors).toContain("interest has no parts");
}, 30_000);

test("the table has a column for each number of frontends, and shows what was not measured", () => {
  const table = new GrowthTable([10, 1000]);
  table.set("oneRedis", 10, 50.4);
  table.set("oneRedis", 1000, 800);
  table.set("flushSeconds", 1000, Number.POSITIVE_INFINITY);
  expect(table.lines()).toEqual([
    "frontends                        10   1,000",
    "Redis CPU per event, one row  50 µs  800 µs",
    "all rows are back after           –   never",
  ]);
});

test("a row is judged by its growth or by its largest figure, unless the run is quick", () => {
  const table = new GrowthTable([10, 1000]);
  table.set("oneRedis", 10, 50);
  table.set("oneRedis", 1000, 59);
  table.set("allDispatchers", 10, 0.5);
  table.set("allDispatchers", 1000, 3.5);
  table.set("flushRows", 10, 100);
  const [oneRow, fanout, ...others] = table.figures(true);
  expect(oneRow).toMatchObject({ value: "10: 50 µs · 1,000: 59 µs (1.18×)", ok: true });
  expect(fanout).toMatchObject({ value: "10: 0.50 ms · 1,000: 3.50 ms", ok: false });
  expect(others).toEqual([]);
  table.set("oneRedis", 1000, 61);
  expect(table.figures(true)[0]).toMatchObject({ ok: false });
  expect(table.figures(false).map(({ ok }) => ok)).toEqual([undefined, undefined]);
});

test("one number of frontends shows no growth, and is not judged by it", () => {
  const table = new GrowthTable([10]);
  table.set("oneRedis", 10, 50);
  expect(table.figures(true)).toEqual([]);
});

test("calls are counted by what became of them, and by dispatcher", async () => {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname.endsWith("/late")) await Bun.sleep(300);
      return new Response("", { status: pathname.endsWith("/renew") ? 200 : 503 });
    },
  });
  const plain = globalThis.fetch;
  const watch = new CallWatch();
  watch.install();
  try {
    const origin = `http://127.0.0.1:${server.port}`;
    await fetch(`${origin}/internal/v1/renew`, { method: "POST" });
    await fetch(`${origin}/internal/v1/change`, { method: "POST" });
    await fetch(`${origin}/internal/v1/late`, { method: "POST" });
    await fetch("http://127.0.0.1:1/internal/v1/renew").catch(() => undefined);
    const calls = watch.take();
    expect(totalOf(calls)).toEqual({ answered: 1, refused: 1, refusedLate: 1, failed: 1 });
    expect(calls.byDispatcher).toEqual({ [origin]: 3, "http://127.0.0.1:1": 1 });
    expect(formatUnanswered(calls)).toBe(
      "renew refused 0 at once, 0 late, failed 1; change refused 1 at once, 0 late, failed 0; " +
        "late refused 0 at once, 1 late, failed 0",
    );
    expect(sumCalls([calls, calls]).byCall["renew"]).toMatchObject({ answered: 2, failed: 2 });
    expect(totalOf(watch.take())).toEqual({ answered: 0, refused: 0, refusedLate: 0, failed: 0 });
  } finally {
    globalThis.fetch = plain;
    await server.stop(true);
  }
});
