/** The specification of `dispatcher-leases.ts` as tests, run on every form. */

import { expect, test } from "bun:test";
import type { DispatcherLeases } from "./dispatcher-leases.ts";

export interface DispatcherLeasesUnderTest {
  /** Empty. */
  readonly leases: DispatcherLeases;
  pass(ms: number): Promise<void>;
  readonly ttlMs: number;
}

const LONG_MS = 60_000;
const a = { id: "a", url: "http://10.0.0.1:9001" };
const b = { id: "b", url: "http://10.0.0.1:9002" };
const c = { id: "c", url: "https://[fd00::1]:9003" };

export function dispatcherLeasesContract(
  name: string,
  open: () => Promise<DispatcherLeasesUnderTest>,
): void {
  test(`${name}: a renewal lists every dispatcher whose lease runs`, async () => {
    const { leases } = await open();
    expect(await leases.renew(b, LONG_MS)).toEqual({ isNew: true, dispatchers: [b] });
    expect(await leases.renew(a, LONG_MS)).toEqual({ isNew: true, dispatchers: [a, b] });
    const moved = { ...b, url: "http://10.0.0.2:1" };
    expect(await leases.renew(moved, LONG_MS)).toEqual({ isNew: false, dispatchers: [a, moved] });
    await leases.release(a.id);
    expect(await leases.renew(moved, LONG_MS)).toEqual({ isNew: false, dispatchers: [moved] });
  });

  test(`${name}: a lease that expired is not listed, and its renewal is a new one`, async () => {
    const { leases, pass, ttlMs } = await open();
    await leases.renew(a, ttlMs);
    await leases.renew(b, LONG_MS);
    await leases.renew(c, ttlMs * 4);
    await pass(ttlMs * 1.5);
    expect(await leases.renew(c, LONG_MS)).toEqual({ isNew: false, dispatchers: [b, c] });
    expect(await leases.renew(a, ttlMs)).toEqual({ isNew: true, dispatchers: [a, b, c] });
  });

  test(`${name}: dispatchers that begin at once all see each other in the end`, async () => {
    const { leases } = await open();
    await Promise.all([a, b, c].map((one) => leases.renew(one, LONG_MS)));
    expect((await leases.renew(a, LONG_MS)).dispatchers).toEqual([a, b, c]);
  });
}
