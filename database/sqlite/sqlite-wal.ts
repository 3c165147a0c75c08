/**
 * Whether an SQLite file's write-ahead log has lost commits. SQLite reads a WAL up to the first
 * invalid frame and drops the rest silently: after a crash that is the transaction that was not
 * synced, after a flipped bit or a cut it is acknowledged data.
 *
 * Formats: https://www.sqlite.org/fileformat2.html#the_write_ahead_log and
 * https://www.sqlite.org/walformat.html#the_wal_index_file_format
 */

import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;
const FORMAT = 3_007_000;
const INDEX_HEADER_BYTES = 48;
/** A server that writes meanwhile may begin its WAL again under our eyes. */
const ATTEMPTS = 3;

/**
 * Only before this process has a connection to the file. A process that closes any descriptor of a
 * file loses all its locks on it ([spec] POSIX, fcntl), those of SQLite too: another process then
 * takes the shared memory for unused and truncates it, and this one ends by SIGBUS.
 *
 * What is wrong with the WAL of a file whose commits are synced (`synchronous = FULL`); undefined
 * where every commit that was acknowledged is there, as far as the WAL and its index say.
 */
export function damageOfWal(path: string): string | undefined {
  let damage: string | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const index = readIndex(`${path}-shm`);
    const wal = existsSync(`${path}-wal`) ? readFileSync(`${path}-wal`) : Buffer.alloc(0);
    damage = damageOf(wal, index);
    const salts = readSalts(`${path}-wal`);
    if (damage === undefined || salts === undefined || salts.equals(wal.subarray(16, 24))) break;
  }
  return damage;
}

interface WalIndex {
  /** Frames that belong to committed, synced transactions. */
  readonly frames: number;
  readonly salts: Buffer;
}

function damageOf(wal: Buffer, index: WalIndex | undefined): string | undefined {
  // Zeros: the file grew and its content was not written before the power went.
  const isEmpty =
    wal.length < HEADER_BYTES || wal.subarray(0, HEADER_BYTES).every((byte) => byte === 0);
  if (isEmpty) {
    if (index === undefined) return undefined;
    return `its write-ahead log is missing, and held ${index.frames} pages`;
  }
  const magic = wal.readUInt32BE(0);
  const isHeaderWhole =
    (magic & ~1) >>> 0 === MAGIC &&
    wal.readUInt32BE(4) === FORMAT &&
    isSum(checksum(wal, 0, 24, magic, 0, 0), wal, 24);
  if (!isHeaderWhole) return "the beginning of its write-ahead log is damaged";
  const salts = wal.subarray(16, 24);
  const { frames, isCommitAfter } = readFrames(wal, magic, salts);
  if (isCommitAfter)
    return `its write-ahead log is damaged at page ${frames + 1}, and commits follow`;
  if (index?.salts.equals(salts) === true && frames < index.frames)
    return `its write-ahead log has ${frames} of ${index.frames} pages`;
  return undefined;
}

/** The frames that are whole, and whether a transaction follows one that is not. */
function readFrames(
  wal: Buffer,
  magic: number,
  salts: Buffer,
): { readonly frames: number; readonly isCommitAfter: boolean } {
  const frameBytes = FRAME_HEADER_BYTES + wal.readUInt32BE(8);
  let sum: Sum = [wal.readUInt32BE(24), wal.readUInt32BE(28)];
  let [frames, commits, isWhole] = [0, 0, true];
  for (let at = HEADER_BYTES; at + frameBytes <= wal.length; at += frameBytes) {
    const isOfThisWal = salts.equals(wal.subarray(at + 8, at + 16));
    if (isWhole) {
      const head = checksum(wal, at, 8, magic, ...sum);
      sum = checksum(wal, at + FRAME_HEADER_BYTES, frameBytes - FRAME_HEADER_BYTES, magic, ...head);
      isWhole = isOfThisWal && wal.readUInt32BE(at) > 0 && isSum(sum, wal, at + 16);
      if (isWhole) frames++;
    }
    // The first commit may be of the transaction that was not synced; the next one waited for it.
    if (!isWhole && isOfThisWal && wal.readUInt32BE(at + 4) > 0) commits++;
  }
  return { frames, isCommitAfter: commits > 1 };
}

/** The index in shared memory, where it is whole and says more than is in the main file already. */
function readIndex(path: string): WalIndex | undefined {
  const header = readBeginning(path, 2 * INDEX_HEADER_BYTES + 4);
  if (header === undefined) return undefined;
  const [first, second] = [
    header.subarray(0, INDEX_HEADER_BYTES),
    header.subarray(INDEX_HEADER_BYTES, 2 * INDEX_HEADER_BYTES),
  ];
  // In the byte order of the machine, which is little-endian wherever Bun runs.
  const [one, two] = checksum(first, 0, 40, MAGIC, 0, 0);
  const isWhole =
    first.equals(second) &&
    first.readUInt32LE(0) === FORMAT &&
    first.readUInt32LE(40) === one &&
    first.readUInt32LE(44) === two;
  const frames = first.readUInt32LE(16);
  const written = header.readUInt32LE(2 * INDEX_HEADER_BYTES);
  return isWhole && written < frames ? { frames, salts: first.subarray(32, 40) } : undefined;
}

function readSalts(path: string): Buffer | undefined {
  return readBeginning(path, 24)?.subarray(16, 24);
}

function readBeginning(path: string, bytes: number): Buffer | undefined {
  if (!existsSync(path)) return undefined;
  const file = openSync(path, "r");
  try {
    const header = Buffer.alloc(bytes);
    return readSync(file, header, 0, bytes, 0) < bytes ? undefined : header;
  } finally {
    closeSync(file);
  }
}

type Sum = readonly [number, number];

/** SQLite's: two sums over pairs of words, in the byte order that the magic number names. */
function checksum(
  bytes: Buffer,
  from: number,
  length: number,
  magic: number,
  first: number,
  second: number,
): Sum {
  const isBigEndian = (magic & 1) === 1;
  const view = new DataView(bytes.buffer, bytes.byteOffset + from, length);
  let [one, two] = [first, second];
  for (let at = 0; at < length; at += 8) {
    one = (one + view.getUint32(at, !isBigEndian) + two) >>> 0;
    two = (two + view.getUint32(at + 4, !isBigEndian) + one) >>> 0;
  }
  return [one, two];
}

function isSum([one, two]: Sum, bytes: Buffer, at: number): boolean {
  return bytes.readUInt32BE(at) === one && bytes.readUInt32BE(at + 4) === two;
}
