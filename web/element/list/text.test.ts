import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { linkify } from "./linkify.ts";
import { cleanText, countCodePoints, initialOf, mentions } from "./text.ts";

describe("text", () => {
  test("bidi controls are taken out, so that a name cannot turn the page around", () => {
    expect(cleanText("a\u202eb\u2066c\u200fd")).toBe("abcd");
    expect(cleanText("مرحبا 👋🏽")).toBe("مرحبا 👋🏽");
  });

  test("piled-up marks are cut to four", () => {
    expect([...cleanText(`a${"\u0301".repeat(40)}b`)].length).toBe(6);
  });

  test("an emoji counts once, as the server counts", () => {
    expect(countCodePoints("👍".repeat(200))).toBe(200);
    expect(countCodePoints("é")).toBe(1);
  });

  test("the initial is what people see as the first letter", () => {
    expect(initialOf("  émile")).toBe("É");
    expect(initialOf("👩‍🚀 Zoe")).toBe("👩‍🚀");
    expect(initialOf("")).toBe("?");
  });

  test("a mention is the whole name", () => {
    expect(mentions("hi @Ana!", "ana")).toBe(true);
    expect(mentions("hi @Anastasia", "Ana")).toBe(false);
    expect(mentions("hi @Ana", undefined)).toBe(false);
  });
});

describe("links", () => {
  test("are found without the sentence's punctuation", () => {
    expect(linkify("see https://example.org/a?b=1, ok")).toEqual([
      { text: "see " },
      { text: "https://example.org/a?b=1", href: "https://example.org/a?b=1" },
      { text: ", ok" },
    ]);
    expect(linkify("https://example.org/Live_(band)")[0]?.href).toBe(
      "https://example.org/Live_(band)",
    );
  });

  test("are http and https only, without a user part that shows another host", () => {
    for (const text of [
      "javascript:alert(1)",
      "data:text/html,x",
      "https://bank.example@evil.example/",
      "ftp://example.org",
    ])
      expect(linkify(text).some((segment) => segment.href !== undefined)).toBe(false);
  });

  test("never change the text, whatever it is", () => {
    const pieces = fc.array(
      fc.oneof(fc.string(), fc.webUrl(), fc.constantFrom("https://", "http://[", ").", "(", " ")),
    );
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join("");
        const segments = linkify(text);
        expect(segments.map((segment) => segment.text).join("")).toBe(text);
        for (const { href } of segments)
          if (href !== undefined) expect(href).toMatch(/^https?:\/\//);
      }),
      { interruptAfterTimeLimit: 800 },
    );
  });
});
