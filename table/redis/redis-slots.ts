/** Keys for a given slot of a Cluster. */

import slotOf from "cluster-key-slot";

export { slotOf };

const tags = new Map<number, string>();

/**
 * A text that hashes to the slot: a key with it as its hash tag lies on the node that owns the
 * slot.
 */
export function tagOfSlot(slot: number): string {
  const known = tags.get(slot);
  if (known !== undefined) return known;
  for (let number = 0; ; number++) {
    const tag = number.toString(36);
    if (slotOf(tag) !== slot) continue;
    tags.set(slot, tag);
    return tag;
  }
}
