/** What a disk does to a data directory: bits that flip, files cut short, torn tails. */

import {
  closeSync,
  copyFileSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Random } from "../../../testing/random.ts";

const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** In the header of the WAL's index: how many frames are committed. */
const INDEX_FRAMES_AT = 16;
const INDEX_HEADER_BYTES = 48;

/** The databases and their write-ahead logs; no process has them open. */
export function copyData(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from))
    if (/\.sqlite(-wal|-shm)?$/.test(name)) copyFileSync(join(from, name), join(to, name));
}

function filesOf(directory: string, ending: RegExp): readonly string[] {
  return readdirSync(directory)
    .filter((name) => ending.test(name))
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).size > 0)
    .sort();
}

/** Flips one bit of one file; answers which. */
export function flipBit(directory: string, random: Random): string | undefined {
  const path = random.pick(filesOf(directory, /\.sqlite(-wal)?$/));
  if (path === undefined) return undefined;
  const at = Math.floor(random.next() * statSync(path).size);
  const bit = Math.floor(random.next() * 8);
  const file = openSync(path, "r+");
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte[0] = (byte[0] ?? 0) ^ (1 << bit);
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
  return `bit ${bit} of byte ${at} of ${path}`;
}

/** Cuts one file at any length, but not to nothing: that is a new file. */
export function cutShort(directory: string, random: Random): string | undefined {
  const path = random.pick(filesOf(directory, /\.sqlite(-wal)?$/));
  if (path === undefined) return undefined;
  const { size } = statSync(path);
  const length = 1 + Math.floor(random.next() * (size - 1));
  truncateSync(path, length);
  return `${path} cut to ${length} of ${size} bytes`;
}

/**
 * The power goes while a transaction is written: behind the last commit that was synced is part of
 * a frame, and the index in shared memory is gone.
 */
export function tearTail(path: string, random: Random): string | undefined {
  const [wal, index] = [`${path}-wal`, `${path}-shm`];
  if (!existsSync(wal) || !existsSync(index)) return undefined;
  const header = readFileSync(wal).subarray(0, WAL_HEADER_BYTES);
  const committed = readFileSync(index).subarray(0, INDEX_HEADER_BYTES);
  rmSync(index);
  if (header.length < WAL_HEADER_BYTES || committed.length < INDEX_HEADER_BYTES) return undefined;
  const frameBytes = FRAME_HEADER_BYTES + header.readUInt32BE(8);
  const end = WAL_HEADER_BYTES + committed.readUInt32LE(INDEX_FRAMES_AT) * frameBytes;
  const frame = Buffer.alloc(frameBytes, Math.floor(random.next() * 256));
  frame.writeUInt32BE(2, 0);
  // A commit, as far as its header says; its checksum and its page did not arrive.
  frame.writeUInt32BE(2, 4);
  header.copy(frame, 8, 16, 24);
  const arrived = Math.floor(random.next() * frameBytes);
  const file = openSync(wal, "r+");
  writeSync(file, frame, 0, arrived, end);
  ftruncateSync(file, end + arrived);
  closeSync(file);
  return `${arrived} bytes of a frame at ${end} of ${wal}`;
}

/** The power goes: what the stores had not synced yet is lost from some moment on. */
export function loseUnsynced(directory: string, random: Random): string | undefined {
  for (const path of filesOf(directory, /-shm$/)) rmSync(path);
  const path = random.pick(filesOf(directory, /(videos|members)\.sqlite-wal$/));
  if (path === undefined) return undefined;
  const { size } = statSync(path);
  const length = Math.floor(random.next() * size);
  truncateSync(path, length);
  return `${path} has ${length} of ${size} bytes`;
}
