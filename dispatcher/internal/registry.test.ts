/** The dispatchers that one of them lists, on a clock that the test moves. */

import { expect, test } from "bun:test";
import {
  type DispatcherAddress,
  type DispatcherLeases,
  MemoryDispatcherLeases,
  TableUnavailableError,
} from "@ovation/table";
import { createManualClock } from "../../testing/manual-clock.ts";
import {
  DISPATCHER_LEASE_MS,
  DISPATCHER_RENEW_MS,
  DISPATCHERS_MAX,
  DispatcherRegistry,
} from "./registry.ts";

const address = (id: string): DispatcherAddress => ({ id, url: `http://${id}:1` });

function world() {
  const clock = createManualClock();
  let store = new MemoryDispatcherLeases(clock);
  let isAway = false;
  const failures: string[] = [];
  const reach = () => {
    if (isAway) throw new TableUnavailableError("away");
    return store;
  };
  const leases: DispatcherLeases = {
    renew: async (...renewal) => reach().renew(...renewal),
    release: async (id) => reach().release(id),
  };
  return {
    clock,
    failures,
    leases,
    wipe: () => {
      store = new MemoryDispatcherLeases(clock);
    },
    setAway: (away: boolean) => {
      isAway = away;
    },
    async start(id: string) {
      const registry = new DispatcherRegistry({
        self: address(id),
        leases,
        clock,
        random: () => 0.5,
        onFailure: (what) => void failures.push(what),
      });
      await registry.start();
      return { registry, ids: () => registry.list.map((one) => one.id) };
    },
  };
}

test("each lists the others within a second, and not one that has ended", async () => {
  const { clock, start } = world();
  const [a, b] = [await start("a"), await start("b")];
  await clock.advance(DISPATCHER_RENEW_MS);
  expect([a.ids(), b.ids()]).toEqual([
    ["a", "b"],
    ["a", "b"],
  ]);
  await a.registry.close();
  await clock.advance(DISPATCHER_RENEW_MS);
  expect(b.ids()).toEqual(["b"]);
  await b.registry.close();
  expect(clock.pending).toBe(0);
});

test("DISPATCHER_LEASE_MS: one that was killed is listed no longer than this", async () => {
  const { clock, leases, start } = world();
  const a = await start("a");
  await leases.renew(address("killed"), DISPATCHER_LEASE_MS);
  await clock.advance(DISPATCHER_LEASE_MS - DISPATCHER_RENEW_MS);
  expect(a.ids()).toEqual(["a", "killed"]);
  await clock.advance(2 * DISPATCHER_RENEW_MS);
  expect(a.ids()).toEqual(["a"]);
});

test("an emptied store costs no dispatcher its place", async () => {
  const { clock, start, wipe } = world();
  const all = [await start("a"), await start("b"), await start("c")];
  await clock.advance(DISPATCHER_RENEW_MS);
  wipe();
  for (let ms = 0; ms < 2 * DISPATCHER_LEASE_MS; ms += 50) {
    await clock.advance(50);
    for (const { ids } of all) expect(ids().toSorted()).toEqual(["a", "b", "c"]);
  }
});

test("while the store is away the list stays, and after it all are listed at once", async () => {
  const { clock, failures, setAway, start } = world();
  const all = [await start("a"), await start("b")];
  await clock.advance(DISPATCHER_RENEW_MS);
  setAway(true);
  for (let ms = 0; ms < 5 * DISPATCHER_LEASE_MS; ms += 50) {
    if (ms === 3 * DISPATCHER_LEASE_MS) setAway(false);
    await clock.advance(50);
    for (const { ids } of all) expect(ids().toSorted()).toEqual(["a", "b"]);
  }
  expect(new Set(failures)).toEqual(new Set(["lease of the dispatcher"]));
});

test("a store that is away at the start: the dispatcher lists itself", async () => {
  const { clock, setAway, start } = world();
  setAway(true);
  const a = await start("a");
  expect(a.ids()).toEqual(["a"]);
  setAway(false);
  await start("b");
  await clock.advance(DISPATCHER_RENEW_MS);
  expect(a.ids()).toEqual(["a", "b"]);
});

test("DISPATCHERS_MAX: further ones are not listed", async () => {
  const clock = createManualClock();
  const many = Array.from({ length: DISPATCHERS_MAX + 5 }, (_, index) => address(`d${index}`));
  const registry = new DispatcherRegistry({
    self: address("d0"),
    leases: {
      renew: async () => ({ isNew: false, dispatchers: many }),
      release: async () => undefined,
    },
    clock,
    onFailure: () => undefined,
  });
  await registry.start();
  expect(registry.list).toHaveLength(DISPATCHERS_MAX);
  await registry.close();
});
