import type { World } from "../world.ts";

/** Ends a fault `ms` later; not after the healing, which has ended it. */
export function untilHealed(world: World, ms: number, end: () => void): void {
  world.timeline.after(ms, () => {
    if (!world.healed) end();
  });
}
