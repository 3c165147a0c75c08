/**
 * The content of one chunk of the stream, parsed once for all connections that get the same bytes.
 */
import { MARK_SIGN, parseMark } from "./reader/marker.ts";

/** Consecutive events of one stream: `first`, `first + 1`, … `last`. */
export interface Run {
  readonly stream: number;
  readonly first: number;
  readonly last: number;
}

export interface Batch {
  /** Published events in it, in their order. */
  readonly events: number;
  /** When each was due, µs. */
  readonly sentUs: Float64Array;
  /** The smallest of these. */
  readonly oldestUs: number;
  /**
   * The same events as runs. A correct server makes one run per stream and chunk, so checking a
   * connection costs one comparison whatever the batch holds; any other content makes more and
   * shorter runs, and the check stays exact.
   */
  readonly runs: readonly Run[];
  /** Frames of other types or runs: `stats`, `connection`, events of an earlier run. */
  readonly others: number;
  /** Live events that the server reported as dropped (`gap`), and the number of such frames. */
  readonly announced: number;
  readonly gaps: number;
  /** The last `id:`, to return with. */
  readonly lastId: string | undefined;
  /** The last `retry:` or `reconnect`, ms. */
  readonly retryMs: number | undefined;
  /** The server asked to connect again. */
  readonly reconnect: boolean;
}

export function parseBatch(bytes: Buffer, run: string): Batch {
  const text = bytes.toString("latin1").replaceAll("\r\n", "\n");
  const sentUs: number[] = [];
  const runs: { stream: number; first: number; last: number }[] = [];
  /** The run of each stream that the next number would extend. */
  const open = new Map<number, { stream: number; first: number; last: number }>();
  let others = 0;
  let announced = 0;
  let gaps = 0;
  let lastId: string | undefined;
  let retryMs: number | undefined;
  let reconnect = false;

  for (const frame of text.split("\n\n")) {
    if (frame === "" || frame.startsWith(":")) continue;
    const id = field(frame, "id");
    if (id !== undefined) lastId = id;
    const retry = field(frame, "retry");
    if (retry !== undefined) retryMs = Number(retry);
    let ours = false;
    // Every second piece is between two separators.
    const pieces = frame.split(MARK_SIGN);
    for (let index = 1; index < pieces.length; index += 2) {
      const mark = parseMark(pieces[index] ?? "");
      if (mark === undefined || mark.run !== run) continue;
      ours = true;
      sentUs.push(mark.sentUs);
      const last = open.get(mark.stream);
      if (last !== undefined && mark.seq === last.last + 1) {
        last.last = mark.seq;
      } else {
        const fresh = { stream: mark.stream, first: mark.seq, last: mark.seq };
        runs.push(fresh);
        open.set(mark.stream, fresh);
      }
    }
    if (ours) continue;
    const type = field(frame, "event");
    if (type === "gap") {
      gaps++;
      announced += numberOf(frame, "lost");
    } else if (type === "reconnect") {
      reconnect = true;
      retryMs = numberOf(frame, "afterMs");
    } else if (retry === undefined || frame.includes("data:")) {
      others++;
    }
  }
  const events = sentUs.length;
  const oldestUs = sentUs.reduce((least, us) => Math.min(least, us), Number.POSITIVE_INFINITY);
  return {
    events,
    sentUs: Float64Array.from(sentUs),
    oldestUs,
    runs,
    others,
    announced,
    gaps,
    lastId,
    retryMs,
    reconnect,
  };
}

function field(frame: string, name: string): string | undefined {
  const match = new RegExp(`(?:^|\\n)${name}: ?([^\\n]*)`).exec(frame);
  return match?.[1];
}

function numberOf(frame: string, key: string): number {
  const match = new RegExp(`"${key}":([0-9.]+)`).exec(frame);
  return match === null ? 0 : Number(match[1]);
}
