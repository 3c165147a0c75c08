import { expect, test } from "bun:test";
import type { Clock } from "@ovation/protocol";
import { EVICT_SCAN_CONNECTIONS_MAX, EVICT_SCAN_MS } from "../limits.ts";
import type { Connection } from "./connection.ts";
import { Evictor } from "./evictor.ts";

function newCase(addresses: readonly string[]) {
  const clock: Clock & { ms: number } = {
    ms: 0,
    now: () => clock.ms,
    after(): () => void {
      throw new Error("an evictor waits for nothing");
    },
  };
  const connections = new Map(
    addresses.map((address, id) => [id, { id, address, closed: false, pendingSince: 0 }]),
  );
  const ended: number[] = [];
  const evictor = new Evictor({
    connections: () => connections.values() as Iterable<unknown> as Iterable<Connection>,
    clock,
    end(connection) {
      const id = connection.id as unknown as number;
      ended.push(id);
      connection.closed = true;
      connections.delete(id);
    },
  });
  return { clock, connections, ended, evictor };
}

test("a slow connection of the address is evicted first, and none of another address", () => {
  const { connections, ended, evictor } = newCase(["a", "b", "a", "a", "b"]);
  const slow = connections.get(2);
  if (slow !== undefined) slow.pendingSince = 5;
  for (let count = 0; count < 3; count++) expect(evictor.evict("a")).toBe(true);
  expect(ended[0]).toBe(2);
  expect(ended.toSorted()).toEqual([0, 2, 3]);
  expect(evictor.evict("a")).toBe(false);
});

test("one scan of all connections serves many evictions, and scans are rate limited", () => {
  const { clock, ended, evictor } = newCase(
    Array<string>(EVICT_SCAN_CONNECTIONS_MAX + 5).fill("a"),
  );
  for (let count = 0; count < EVICT_SCAN_CONNECTIONS_MAX; count++)
    expect(evictor.evict("a")).toBe(true);
  expect(evictor.evict("a")).toBe(false);
  clock.ms += EVICT_SCAN_MS;
  expect(evictor.evict("a")).toBe(true);
  expect(ended.length).toBe(EVICT_SCAN_CONNECTIONS_MAX + 1);
});

test("the addresses of one IPv6 /64 count as one, and a closed connection is skipped", () => {
  const { connections, ended, evictor } = newCase(["2001:db8::1", "2001:db8::2", "2001:db8::3"]);
  expect(evictor.evict("2001:db8:0:0::/64")).toBe(true);
  for (const connection of connections.values()) connection.closed = true;
  expect(evictor.evict("2001:db8:0:0::/64")).toBe(false);
  expect(ended.length).toBe(1);
});
