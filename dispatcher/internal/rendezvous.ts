/**
 * Rendezvous hashing: every process that knows the same names chooses the same one for a key. When
 * a name comes or goes, only the keys of that name move.
 *
 * Source: Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998.
 */

/** The name with the highest score for the key; `undefined` where there is none. */
export function rendezvous(names: Iterable<string>, key: string): string | undefined {
  let chosen: string | undefined;
  let highest = -1;
  for (const name of names) {
    const score = hash(`${name} ${key}`);
    if (score < highest || (score === highest && name > (chosen ?? ""))) continue;
    chosen = name;
    highest = score;
  }
  return chosen;
}

/** FNV-1a of the UTF-16 units, with the finish of MurmurHash3, which spreads near names. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
