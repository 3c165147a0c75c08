/** Files of an SQLite database that are damaged in every way a disk does, for the stores' tests. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../../testing/random.ts";

/** A copy of a database's files, as a crash leaves them. */
export interface Image {
  readonly name: string;
  readonly files: ReadonlyMap<string, Buffer>;
}

export function imageOf(name: string, path: string): Image {
  const files = new Map<string, Buffer>();
  for (const suffix of ["", "-wal", "-shm"])
    if (existsSync(path + suffix)) files.set(suffix, readFileSync(path + suffix));
  return { name, files };
}

export interface Damage {
  readonly what: string;
  readonly image: Image;
}

/** One bit in each `everyBytes` of the file, the first bytes of it more often. */
export function* flips(
  image: Image,
  suffix: string,
  everyBytes: number,
  seed = 1,
): Generator<Damage> {
  const bytes = image.files.get(suffix);
  if (bytes === undefined) return;
  const random = new Random(seed);
  const offsets = Array.from({ length: 24 }, () =>
    random.integer(0, Math.min(128, bytes.length) - 1),
  );
  for (let at = 0; at < bytes.length; at += everyBytes)
    offsets.push(at + random.integer(0, Math.min(everyBytes, bytes.length - at) - 1));
  for (const offset of offsets) {
    const bit = random.integer(0, 7);
    const damaged = Buffer.from(bytes);
    damaged[offset] = (damaged[offset] ?? 0) ^ (1 << bit);
    yield {
      what: `${image.name}: bit ${bit} of byte ${offset} of the ${suffix || "main"} file`,
      image: withFile(image, suffix, damaged),
    };
  }
}

/** The file cut to many lengths, on the borders of pages and between. */
export function* cuts(image: Image, suffix: string, count: number, seed = 1): Generator<Damage> {
  const bytes = image.files.get(suffix);
  if (bytes === undefined) return;
  const random = new Random(seed);
  for (let n = 0; n < count; n++) {
    const anywhere = random.integer(1, bytes.length - 1);
    const length = n % 2 === 0 ? anywhere : Math.max(512, Math.floor(anywhere / 512) * 512);
    if (length >= bytes.length) continue;
    yield {
      what: `${image.name}: the ${suffix || "main"} file cut to ${length} of ${bytes.length}`,
      image: withFile(image, suffix, bytes.subarray(0, length)),
    };
  }
}

export function withFile(image: Image, suffix: string, bytes: Buffer | undefined): Image {
  const files = new Map(image.files);
  if (bytes === undefined) files.delete(suffix);
  else files.set(suffix, bytes);
  return { name: image.name, files };
}

/** Writes the image's files; answers the path of the main one. */
export function placeImage(image: Image, directory: string, name: string): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, name);
  for (const [suffix, bytes] of image.files) writeFileSync(path + suffix, bytes);
  return path;
}
