import { expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { freePorts } from "./free-port.ts";

test("ports are different, below the ephemeral range, and so are those beside them", async () => {
  const ports = await freePorts(20, [10_000]);
  const all = ports.flatMap((port) => [port, port + 10_000]);
  expect(new Set(all).size).toBe(40);
  expect(Math.min(...all)).toBeGreaterThanOrEqual(10_000);
  expect(Math.max(...all)).toBeLessThan(30_000);
});

test("a port is not free where the one beside it is taken", async () => {
  let taken = 0;
  while (taken < 20_001) [taken = 0] = await freePorts(1);
  const server = await new Promise<Server>((resolve) => {
    const listening: Server = createServer().listen(taken, "127.0.0.1", () => resolve(listening));
  });
  const random = Math.random;
  // Tried first: the port whose neighbour is taken.
  const tried = [(taken - 20_001 + 0.5) / 9_999];
  Math.random = () => tried.shift() ?? random();
  try {
    const [port = 0] = await freePorts(1, [10_001]);
    expect(tried).toEqual([]);
    expect(port + 10_001).not.toBe(taken);
  } finally {
    Math.random = random;
    server.close();
  }
});
