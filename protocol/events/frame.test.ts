/** The frame reader, against the specification and against an independent parser. */

import { describe, expect, test } from "bun:test";
import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { createFrameReader, type Message } from "./frame.ts";

/** Lines as streams have them, valid and not, with every line ending. */
const line = fc.oneof(
  { weight: 3, arbitrary: fc.constant("") },
  fc.constantFrom(
    "data",
    "data:",
    "data: ",
    "data:  two spaces",
    "data: x:y",
    "event: goal",
    "event:",
  ),
  fc.constantFrom("id: 7", "id:", "id: a\0b", "retry: 250", "retry: 2s", ": comment", ":", "junk"),
  fc.constantFrom("data: ü🎉\u2028", "\ufeffdata: x", "Data: x", " data: x"),
);
const lines = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r", "\r\n")), { maxLength: 30 });
const cuts = fc.array(fc.nat(200), { maxLength: 12 });

function pieces(text: string, at: readonly number[]): readonly string[] {
  const places = [...new Set([0, ...at.map((place) => place % (text.length + 1)), text.length])];
  places.sort((left, right) => left - right);
  return places.slice(1).map((place, index) => text.slice(places[index], place));
}

function readAll(chunks: readonly string[]): {
  messages: readonly Message[];
  retries: readonly number[];
  /** The number of messages after each chunk. */
  counts: readonly number[];
} {
  const messages: Message[] = [];
  const retries: number[] = [];
  const reader = createFrameReader({
    onMessage: (message) => messages.push(message),
    onRetry: (ms) => retries.push(ms),
  });
  const counts = chunks.map((chunk) => {
    reader.feed(chunk);
    return messages.length;
  });
  return { messages, retries, counts };
}

/** [spec] 9.2.6, literally, over a complete text. */
function readBySpec(text: string): readonly Message[] {
  const messages: Message[] = [];
  const whole = text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/);
  let [data, type, id] = ["", "", ""];
  // Text without a line ending is not a line yet.
  for (const each of whole.slice(0, -1)) {
    const [, field = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(each) ?? [];
    if (each === "") {
      if (data !== "")
        messages.push({ type: type || "message", data: data.slice(0, -1), lastEventId: id });
      [data, type] = ["", ""];
    } else if (field === "data") data += `${value}\n`;
    else if (field === "event") type = value;
    else if (field === "id" && !value.includes("\0")) id = value;
  }
  return messages;
}

describe("the frame reader", () => {
  test("delivers an event once its last line ends, by CR, LF or CRLF, cut anywhere", () => {
    fc.assert(
      fc.property(lines, fc.boolean(), cuts, (all, hasMark, at) => {
        const text = (hasMark ? "\ufeff" : "") + all.map((each) => each.join("")).join("");
        const chunks = pieces(text, at);
        const { messages, counts } = readAll(chunks);
        expect(messages).toEqual([...readBySpec(text)]);
        let soFar = "";
        for (const [index, chunk] of chunks.entries()) {
          soFar += chunk;
          expect(counts[index]).toBe(readBySpec(soFar).length);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("reads the same events and waits as eventsource-parser, a character at a time too", () => {
    fc.assert(
      fc.property(lines, cuts, (all, at) => {
        // It reads a lone CR at the end, and a byte order mark, differently.
        const text = `:\n${all.map((each) => each.join("")).join("")}\n:\n`;
        const theirs: { type: string; data: string }[] = [];
        const waits: number[] = [];
        const parser = createParser({
          onEvent: ({ event, data }) => theirs.push({ type: event ?? "message", data }),
          onRetry: (ms) => waits.push(ms),
        });
        parser.feed(text);
        for (const chunks of [pieces(text, at), [...text], [text]]) {
          const { messages, retries } = readAll(chunks);
          expect(messages.map(({ type, data }) => ({ type, data }))).toEqual(theirs);
          expect(retries).toEqual(waits);
        }
      }),
    );
  });

  test("delivers an event that ends by CR alone before another byte comes", () => {
    expect(readAll(["data: 1\r\r"]).messages.length).toBe(1);
    expect(readAll(["data: 1\r", "\r", "\n", "\n", "data: 2\r\n\r"]).counts).toEqual([
      0, 1, 1, 1, 2,
    ]);
  });

  test("throws where one event is longer than its limit, in one line or in many", () => {
    for (const text of ["data: ", "data: 0123456789\n"]) {
      const reader = createFrameReader({ onMessage() {} }, 1000);
      expect(() => {
        for (let count = 0; count < 300; count++) reader.feed(text);
      }).toThrow("longer than the reader's limit");
    }
  });
});
