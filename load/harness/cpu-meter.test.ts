import { expect, test } from "bun:test";
import { CpuMeter } from "./cpu-meter.ts";

test("the CPU of a process is measured finer than in the kernel's hundredths", async () => {
  const meter = new CpuMeter(() => [process.pid]);
  expect(meter.seconds()).toBeLessThan(0.05);
  const until = process.cpuUsage().user + 30_000;
  while (process.cpuUsage().user < until) Math.sqrt(until);
  const used = meter.seconds();
  expect(used).toBeGreaterThan(0.02);
  expect(used).not.toBe(Math.round(used * 100) / 100);
});

test("a process that begins later counts whole, and one that has ended not at all", async () => {
  const pids: number[] = [];
  const meter = new CpuMeter(() => pids);
  const child = Bun.spawn([process.execPath, "-e", "for (;;) Math.sqrt(2)"]);
  pids.push(child.pid);
  const deadline = Date.now() + 10_000;
  while (meter.seconds() < 0.05 && Date.now() < deadline) await Bun.sleep(10);
  expect(meter.seconds()).toBeGreaterThanOrEqual(0.05);
  child.kill("SIGKILL");
  await child.exited;
  expect(meter.seconds()).toBe(0);
});
