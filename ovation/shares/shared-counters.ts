/**
 * Counters in a file that several processes have mapped: a region for each process, which only that
 * process writes, so nothing has to be atomic. A sum over the regions is what all of them counted.
 *
 * A counter belongs to a hash of its key, once in each of ROWS rows; the lowest of the rows is the
 * answer (a count-min sketch). Another key can only raise it where it meets in every row, and the
 * hash has a random key of the installation, so no client can choose whom it meets.
 */

import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const ROWS = 4;
const ROW_BITS = 13;
const ROW_COUNTERS = 1 << ROW_BITS;
const ROW_MASK = BigInt(ROW_COUNTERS - 1);
const COUNTER_BYTES = 4;
export const COUNTERS_PER_TABLE = ROWS * ROW_COUNTERS;
export const COUNTER_MAX = 0xffff_ffff;

export interface SharedFile {
  readonly path: string;
  /** Which region this process writes. */
  readonly region: number;
  readonly regions: number;
  /** Counters of one region. */
  readonly counters: number;
}

/**
 * Maps the file, which is made of zeros where it is not there yet. The region of this process is
 * cleared.
 */
export function mapRegions(file: SharedFile): readonly Uint32Array[] {
  const regionBytes = file.counters * COUNTER_BYTES;
  if (!existsSync(file.path)) createOnce(file.path, regionBytes * file.regions);
  const bytes = Bun.mmap(file.path);
  const regions = Array.from(
    { length: file.regions },
    (_, index) =>
      new Uint32Array(bytes.buffer, bytes.byteOffset + index * regionBytes, file.counters),
  );
  regions[file.region]?.fill(0);
  return regions;
}

/**
 * Written in full and then linked: a file with holes would end the process where the disk is full.
 */
function createOnce(path: string, bytes: number): void {
  const whole = `${path}.${process.pid}`;
  writeFileSync(whole, new Uint8Array(bytes), { mode: 0o600 });
  try {
    linkSync(whole, path);
  } catch (error) {
    // Another process was first, and its file is as good.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(whole);
  }
}

/** Hashes keys to their places in a table. */
export class KeyPlaces {
  readonly #seed: bigint;

  /** `keyFile` holds the installation's random bytes. */
  constructor(keyFile: string) {
    this.#seed = readFileSync(keyFile).readBigUInt64LE();
  }

  /** The index of the key's counter in each row. */
  of(key: string): readonly number[] {
    let hash = Bun.hash.wyhash(key, this.#seed);
    const places: number[] = [];
    for (let row = 0; row < ROWS; row++) {
      places.push(row * ROW_COUNTERS + Number(hash & ROW_MASK));
      hash >>= BigInt(ROW_BITS);
    }
    return places;
  }
}

/** Adds to one counter of this process's region; a counter stops at its ends. */
export function addTo(table: Uint32Array, place: number, units: number): void {
  const sum = (table[place] ?? 0) + units;
  table[place] = sum < 0 ? 0 : Math.min(sum, COUNTER_MAX);
}
