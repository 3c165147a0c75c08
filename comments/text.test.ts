import { describe, expect, test } from "bun:test";
import { Problem } from "@ovation/protocol";
import fc from "fast-check";
import { cleanLine, cleanName, cleanParagraphs, countCodePoints } from "./text.ts";

function codeOf(run: () => unknown): string {
  try {
    run();
    return "ok";
  } catch (error) {
    return error instanceof Problem ? error.code : String(error);
  }
}

describe("text", () => {
  test("line breaks of every kind become one space", () => {
    expect(cleanLine("a\r\n\tb\u2028c\u0085d", 200)).toBe("a b c d");
    expect(cleanParagraphs(" a\r\nb\rc\u2029d\te ", 200)).toBe("a\nb\nc\nd e");
  });

  test("code points are counted, not units", () => {
    expect(countCodePoints("a👋👨‍👩‍👧é")).toBe([..."a👋👨‍👩‍👧é"].length);
    expect(codeOf(() => cleanLine("👋".repeat(200), 200))).toBe("ok");
    expect(codeOf(() => cleanLine("👋".repeat(201), 200))).toBe("text-too-long");
  });

  test("what shows nothing is empty", () => {
    for (const text of ["", " ", "\u200b\u200d", "\u2800", "\u3164", "\u00ad\ufeff", "\u{e0041}"]) {
      expect([text, codeOf(() => cleanLine(text, 200))]).toEqual([text, "text-empty"]);
    }
  });

  test("names keep letters of every script and lose what only deceives", () => {
    expect(cleanName(" José  Ñandú ", 40)).toBe("José Ñandú");
    expect(cleanName("دانا", 40)).toBe("دانا");
    for (const name of ["a\u202eb", "a\u200bb", "a\u2066b", "\u{e0041}x"])
      expect(codeOf(() => cleanName(name, 40))).toBe("invalid-text");
  });

  test("whatever passes is well formed, one line, within the limit, and passes again unchanged", () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.oneof(
            fc.constantFrom("\0", "\n", "\ud800", "\udc00", " ", "\u200b"),
            fc.string({ unit: "binary" }),
          ),
        }),
        (text) => {
          let clean: string;
          try {
            clean = cleanLine(text, 50);
          } catch (error) {
            expect(error).toBeInstanceOf(Problem);
            return;
          }
          expect(clean.isWellFormed()).toBe(true);
          expect(clean).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
          expect([...clean].length).toBeLessThanOrEqual(50);
          expect(cleanLine(clean, 50)).toBe(clean);
        },
      ),
      { numRuns: 500, interruptAfterTimeLimit: 2_000 },
    );
  });
});
