/** The same events in every wire form, and each form made once for all connections. */

import { afterEach, expect, test } from "bun:test";
import { zstdDecompressSync } from "node:zlib";
import { formatFrame } from "@ovation/protocol";
import fc from "fast-check";
import { until } from "../../testing/until.ts";
import { Encoded, encodeText } from "../broadcast/encoding.ts";
import type { Frontend } from "../frontend.ts";
import { ModelUpstream, topic } from "../testing/model-upstream.ts";
import { newFrontend } from "../testing/new-frontend.ts";
import { readChunks, Viewer } from "../testing/viewer.ts";
import { CHUNKED, PLAIN, UNNAMED, type WireForm, wireForm, ZSTD } from "./wire-form.ts";

const video = topic("video:1");
const ALL = [0, 1, 2, 3, 4, 5, 6, 7] as const satisfies readonly WireForm[];
const frontends: Frontend[] = [];
afterEach(async () => {
  await Promise.all(frontends.splice(0).map((frontend) => frontend.stop()));
});

/** What a client of this form reads. */
function read(bytes: Uint8Array, form: WireForm): string {
  const body = (form & CHUNKED) === 0 ? bytes : readChunks(bytes);
  return ((form & ZSTD) === 0 ? Buffer.from(body) : zstdDecompressSync(body)).toString();
}

test("every form has the same content, for any text and any order of requests", () => {
  const frame = fc.record({
    type: fc.stringMatching(/^[a-z][a-z0-9._-]{0,20}$/),
    text: fc.string({ unit: "binary", maxLength: 300 }),
  });
  fc.assert(
    fc.property(
      fc.array(frame, { minLength: 1, maxLength: 5 }),
      fc.shuffledSubarray([...ALL], { minLength: 8 }),
      (frames, order) => {
        const json = ({ text }: { text: string }) => JSON.stringify({ data: text });
        const named = frames.map((each) => formatFrame("1~a", each.type, json(each))).join("");
        const inside = (each: { type: string; text: string }) =>
          `id: 1~a\ndata: ${JSON.stringify({ type: each.type, data: each.text })}\n\n`;
        const unnamed = frames.map(inside).join("");
        const encoded = Encoded.ofText(named);
        for (const form of order) {
          expect(read(encoded.bytes(form), form)).toBe((form & UNNAMED) === 0 ? named : unnamed);
          expect(encoded.bytes(form)).toBe(encoded.bytes(form));
        }
        expect(read(Encoded.ofBytes(Buffer.from(named)).bytes(CHUNKED), CHUNKED)).toBe(named);
      },
    ),
  );
});

test("the bare form lies in the memory of its chunk", () => {
  const encoded = Encoded.ofText("id: 1\nevent: goal\ndata: {}\n\n");
  expect(encoded.bytes(PLAIN).buffer).toBe(encoded.bytes(CHUNKED).buffer);
});

test("no text is no bytes in every form: an empty chunk would end the stream", () => {
  for (const form of ALL) expect(encodeText("", form).length).toBe(0);
});

test("types that EventSource uses itself are never the name of an event", () => {
  for (const type of ["error", "open"]) {
    for (const form of ALL) {
      const text = read(encodeText(formatFrame("1~a", type, `{"data":1}`), form), form);
      expect(text).toBe(`id: 1~a\ndata: {"type":"${type}","data":1}\n\n`);
    }
  }
});

test("viewers of every form read the same events, also when they are slow and return", async () => {
  const upstream = new ModelUpstream();
  const frontend = newFrontend(upstream);
  upstream.inboxes.push(frontend);
  frontends.push(frontend);
  frontend.start();
  const options = ALL.map((form) => ({
    zstd: (form & ZSTD) !== 0,
    chunked: (form & CHUNKED) !== 0,
    unnamed: (form & UNNAMED) !== 0,
  }));
  expect(options.map(wireForm)).toEqual([...ALL]);
  const viewers = options.map((each) => new Viewer(frontend, [video], each));
  await until(() => viewers.every(({ connection }) => connection.ready));
  upstream.append(video, "first");
  await until(() => viewers.every((viewer) => viewer.of("comment").length === 1));
  for (const viewer of viewers) viewer.stall();
  for (let count = 0; count < 20; count++) upstream.append(video, `comment ${count} \u2028 ü 🎉`);
  await until(() => viewers.every(({ connection }) => connection.pendingSince > 0));
  for (const viewer of viewers) viewer.drain();
  await until(() => viewers.every((viewer) => viewer.of("comment").length === 21));
  const back = viewers.map(
    (viewer, index) =>
      new Viewer(frontend, [video], {
        ...options[index],
        lastEventId: viewer.of("comment")[0]?.id ?? "",
      }),
  );
  await until(() => back.every((viewer) => viewer.of("comment").length === 20));
  for (const viewer of viewers) {
    expect(viewer.seqs(video)).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
    expect(viewer.of("comment").map(({ data }) => data)).toEqual(
      viewers[0]?.of("comment").map(({ data }) => data) ?? [],
    );
  }
});

/** Go's `bufio.Scanner`, and what is built on it, ends at a longer line. */
const LINE_BYTES_MAX = 64 * 1024;
/** What a frame has around the `data` of its event. */
const AROUND_BYTES_MAX = 4 * 1024;

test("100 of the longest topics: first event under 64 KiB, framing under 4", async () => {
  const upstream = new ModelUpstream();
  upstream.epoch = "zzzzzzzz";
  const frontend = newFrontend(upstream);
  upstream.inboxes.push(frontend);
  frontends.push(frontend);
  frontend.start();
  const topics = Array.from({ length: 100 }, (_, index) =>
    topic(`video:${"v".repeat(125)}${String(index).padStart(3, "0")}`),
  );
  for (const each of topics) upstream.append(each, "before", { type: "t".repeat(64) });
  const first = new Viewer(frontend, topics, { unnamed: true });
  await until(() => first.connection.ready);
  const [connection] = first.received;
  for (const each of topics) upstream.append(each, "missed", { type: "t".repeat(64) });
  await until(() => first.received.length > 100);
  let largest = 0;
  let around = 0;
  class Measured extends Viewer {
    override write(bytes: Uint8Array): number | Promise<number> {
      for (const frame of Buffer.from(bytes).toString().split("\n\n")) {
        largest = Math.max(largest, Buffer.byteLength(frame));
        const isEvent = frame.includes('"missed"');
        if (isEvent) around = Math.max(around, Buffer.byteLength(frame) - '"missed"'.length);
      }
      return super.write(bytes);
    }
  }
  const back = new Measured(frontend, topics, {
    unnamed: true,
    lastEventId: connection?.id ?? "",
  });
  await until(() => back.received.length > 100);
  expect(largest).toBeGreaterThan(100 * 128);
  expect(largest).toBeLessThan(LINE_BYTES_MAX);
  expect(around).toBeGreaterThan(100 * 12);
  expect(around).toBeLessThan(AROUND_BYTES_MAX);
});
