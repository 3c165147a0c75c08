import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@ovation/protocol";
import { ManualClock, testAddressPools } from "../../protocol/addresses/address-pools.contract.ts";
import {
  clearRegion,
  openMappedPools,
  type PoolsPlace,
  preparePools,
} from "./address-pools-mapped.ts";

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function newPlace(regions: number): PoolsPlace {
  const directory = mkdtempSync(join(tmpdir(), "ovation-pools-"));
  directories.push(directory);
  const place = { directory, regions };
  preparePools(place);
  return place;
}

describe("address pools over shared memory, one process", () =>
  testAddressPools((clock) => openMappedPools(newPlace(1), 0, clock)));

describe("address pools over shared memory, beside other processes", () =>
  testAddressPools((clock) => {
    const place = newPlace(3);
    openMappedPools(place, 1, clock).shares("things", 5).add("198.51.100.1", 7);
    return openMappedPools(place, 2, clock);
  }));

test("what one region holds and uses counts for all of them", () => {
  const clock = new ManualClock();
  const place = newPlace(2);
  const [first, second] = [0, 1].map((region) => openMappedPools(place, region, clock)) as [
    ReturnType<typeof openMappedPools>,
    ReturnType<typeof openMappedPools>,
  ];
  const [here, there] = [first.shares("things", 10), second.shares("things", 10)];
  expect(here.take("10.0.0.1", 6)).toBe(true);
  expect([there.take("10.0.0.1", 5), there.take("10.0.0.1", 4)]).toEqual([false, true]);
  expect([here.held("10.0.0.1"), there.held("10.0.0.1")]).toEqual([10, 10]);
  // A process gives back what is its own, and ends what is its own.
  here.remove("10.0.0.1", 100);
  expect([here.held("10.0.0.1"), there.held("10.0.0.1")]).toEqual([4, 4]);
  expect([here.heaviest(), there.heaviest()]).toEqual([
    undefined,
    { address: "10.0.0.1", held: 4 },
  ]);

  const [used, usedThere] = [first.rates("uses", 10, 1000), second.rates("uses", 10, 1000)];
  expect(used.take("10.0.0.1", 6)).toBe(true);
  expect([usedThere.take("10.0.0.1", 5), usedThere.take("10.0.0.1", 4)]).toEqual([false, true]);
  expect([used.left("10.0.0.1"), usedThere.left("10.0.0.1")]).toEqual([0, 0]);
});

test("an address is not held for what ten thousand others hold", () => {
  const place = newPlace(2);
  const crowd = openMappedPools(place, 0, systemClock).shares("things", 100);
  const here = openMappedPools(place, 1, systemClock).shares("things", 100);
  for (let number = 0; number < 10_000; number++) crowd.add(`10.${number >> 8}.${number & 255}.1`);
  crowd.add("10.99.0.1", 1_000_000);
  const light = Array.from({ length: 1000 }, (_, number) => here.held(`192.0.2.${number}`));
  expect(Math.max(...light)).toBeLessThan(10);
});

test("the files are only for this user", () => {
  const place = newPlace(1);
  openMappedPools(place, 0, systemClock).shares("things", 1);
  for (const name of ["things.shares", "pools.key"])
    expect(statSync(join(place.directory, name)).mode & 0o777).toBe(0o600);
});

describe("real processes", () => {
  const helper = join(import.meta.dir, "testing", "holding-process.ts");

  async function hold(place: PoolsPlace, region: number, units: number): Promise<Bun.Subprocess> {
    const ready = Promise.withResolvers<void>();
    const child = Bun.spawn(
      [process.execPath, helper, JSON.stringify(place), `${region}`, `${units}`],
      {
        stdio: ["ignore", "inherit", "inherit"],
        ipc: () => ready.resolve(),
      },
    );
    await ready.promise;
    return child;
  }

  test("count together; a killed one holds its units until its region is cleared", async () => {
    const place = newPlace(3);
    const here = openMappedPools(place, 2, systemClock).shares("things", 100);
    const children = await Promise.all([hold(place, 0, 30), hold(place, 1, 40)]);
    expect(here.held("10.0.0.1")).toBe(70);
    expect([here.take("10.0.0.1", 31), here.take("10.0.0.1", 30)]).toEqual([false, true]);
    children[0]?.kill("SIGKILL");
    await children[0]?.exited;
    expect(here.held("10.0.0.1")).toBe(100);
    clearRegion(place, 0);
    expect(here.held("10.0.0.1")).toBe(70);
    children[1]?.kill("SIGKILL");
    await children[1]?.exited;
    // A successor that opens the pool before the parent cleared it starts from nothing, too.
    const successor = await hold(place, 1, 5);
    expect(here.held("10.0.0.1")).toBe(35);
    successor.kill("SIGKILL");
    await successor.exited;
  }, 30_000);
});
