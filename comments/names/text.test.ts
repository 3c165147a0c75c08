import { describe, expect, test } from "bun:test";
import { Problem } from "@ovation/protocol";
import fc from "fast-check";
import { looksLike } from "./look-alikes.ts";
import {
  cleanGuestName,
  cleanLine,
  cleanName,
  cleanParagraphs,
  countCodePoints,
  shownName,
} from "./text.ts";

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

  test("a text of invisible characters only is empty, as a comment and as a name", () => {
    for (const text of [
      "\ufe0f",
      "\ufe0f\ufe0e",
      "\u034f",
      "\u115f\u1160",
      "\u17b4\u17b5",
      "\u180e\u180b",
      "\uffa0",
      "\u2061\u2063",
      "\u{e0100}\u{1d173}",
      "\u0301",
      "\u20e3",
      "\u00ad \u200d \u2800",
    ]) {
      expect([text, codeOf(() => cleanLine(text, 200))]).toEqual([text, "text-empty"]);
      expect([text, codeOf(() => cleanName(text, 40))]).toEqual([text, "text-empty"]);
      expect(shownName(text, 40)).toBe("");
    }
    // They may stand beside what is seen.
    expect(cleanLine("👍\ufe0f a\u00adb", 200)).toBe("👍\ufe0f a\u00adb");
  });

  test("in a name, what shows nothing is gone", () => {
    for (const name of [
      "Ali\u00adce",
      "Al\u034fice",
      "Alice\ufe0f",
      "\u3164Alice",
      "A\u17b4lice",
    ]) {
      expect([name, cleanName(name, 40)]).toEqual([name, "Alice"]);
      expect([name, shownName(name, 40)]).toEqual([name, "Alice"]);
    }
    // Joiners of nothing.
    for (const name of [
      "Ali\u200cce",
      "Ali\u200dce",
      "Alice\u200d",
      "1\ufe0f2",
      "علی\u200c",
      "a\u200cی",
    ])
      expect([name, cleanName(name, 40)]).toEqual([
        name,
        name.replace(/\u200c|\u200d|\ufe0f/g, ""),
      ]);
  });

  test("joiners stay where a script or an emoji needs them", () => {
    for (const name of [
      "علی\u200cرضا",
      "می\u200cروم",
      "क्\u200dष",
      "क्\u200cष",
      "ශ්\u200dරී",
      "র\u200d্যাব",
      "ന്\u200d",
      "Ana 👩\u200d👩\u200d👧",
      "👩🏽\u200d🚀",
      "❤\ufe0f\u200d🔥",
      "1\ufe0f\u20e3",
      "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
      "葛\u{e0100}城",
    ]) {
      expect([name, cleanName(name, 40)]).toEqual([name, name.normalize("NFC")]);
      expect([name, shownName(name, 40)]).toEqual([name, name.normalize("NFC")]);
    }
  });

  test("a letter has as many marks as languages write", () => {
    expect(cleanName(`Z${"\u0335".repeat(40)}algo`, 60)).toBe("Z\u0335\u0335\u0335algo");
    for (const name of ["Nguyễn Thị Ánh", "שָׁלוֹם", "เป็นที่รัก", "བསྒྲུབས"])
      expect([name, cleanName(name, 60)]).toEqual([name, name.normalize("NFC")]);
  });

  test("a guest's name is none of staff's, however it is written, and has no badge", () => {
    for (const name of [
      "Moderator",
      "🛡️ Moderator",
      "M0DERATOR",
      "Ｍｏｄｅｒａｔｏｒ",
      "ｍｏｄ",
      "Μοderatοr",
      "Host ✔",
      "HΟSТ",
      "The Host",
      "h o s t",
      "Mod\u3164",
      "Ho\u00adst",
      "Host\u17b4",
      "Admin 1",
      "АDMIN",
      "ΑDΜΙΝ",
      "mοderatоr",
      "Moderador",
    ])
      expect([name, codeOf(() => cleanGuestName(name, 40))]).toEqual([name, "name-taken"]);
    for (const name of [
      "Ana",
      "Modesta",
      "Hostetler",
      "Ad Min Lee",
      "Mod Jones",
      "Livia",
      "👑 Ana",
    ])
      expect([name, cleanGuestName(name, 40)]).toEqual([name, name]);
    expect(cleanGuestName("Ana ✔", 40)).toBe("Ana");
    expect(codeOf(() => cleanGuestName("✅", 40))).toBe("text-empty");
  });

  test("names look the same whatever their case, width, accents, spaces and script", () => {
    for (const other of [
      "ALICE",
      "alice",
      "Ａｌｉｃｅ",
      "Àlîçé",
      "A l i c e",
      "A.l-i_c!e",
      "АІісе",
      "Аlice",
      "ΑLICE",
      "AIice",
      "A1ice",
      "𝓐𝓵𝓲𝓬𝓮",
      "Ⓐⓛⓘⓒⓔ",
      "Alice 🎉",
    ])
      expect([other, looksLike("Alice", other)]).toEqual([other, true]);
    for (const other of ["Alina", "Ali", "Alice B", "Bob", "爱丽丝", "🎉"])
      expect([other, looksLike("Alice", other)]).toEqual([other, false]);
    for (const drawn of ["🅐🅛🅘🅒🅔", "🅰🅻🅸🅲🅴", "🇦🇱🇮🇨🇪", "ᴀʟɪᴄᴇ", "Ⓐⓛⓘⓒⓔ", "𝒜𝓁𝒾𝒸ℯ"])
      expect([drawn, looksLike("Alice", drawn)]).toEqual([drawn, true]);
    // Two flags are two flags.
    expect(looksLike("🇩🇪", "🇫🇷")).toBe(false);
    expect(looksLike("🎉", "🎈")).toBe(false);
    expect(looksLike("rn", "m")).toBe(true);
  });

  test("accepted text is well formed, one line, within the limit, and stable", () => {
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
