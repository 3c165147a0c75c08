/** Names of log epochs. */

import type { Epoch } from "@ovation/protocol";

const EPOCH_CHARACTERS = 5;

/** 5 characters of base 36 that name no life yet. `random` fills the bytes that it is given. */
export function mintEpoch(
  isTaken: (epoch: Epoch) => boolean,
  random: (bytes: Uint8Array<ArrayBuffer>) => void = fill,
): Epoch {
  for (;;) {
    const bytes = new Uint8Array(EPOCH_CHARACTERS);
    random(bytes);
    let epoch = "";
    for (const byte of bytes) epoch += (byte % 36).toString(36);
    if (!isTaken(epoch)) return epoch;
  }
}

function fill(bytes: Uint8Array<ArrayBuffer>): void {
  crypto.getRandomValues(bytes);
}
