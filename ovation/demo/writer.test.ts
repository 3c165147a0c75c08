import { describe, expect, test } from "bun:test";
import { COMMENT_CODE_POINTS_MAX } from "@ovation/protocol";
import { seededRandom } from "../../testing/random.ts";
import { HOST, QUESTIONS } from "./demo-host.ts";
import { LANGUAGES } from "./demo-languages.ts";
import { gatherPeople, type Person } from "./demo-people.ts";
import { ENGLISH, type Occasion, WORDS } from "./demo-texts.ts";
import { expand, type WordLists } from "./grammar.ts";
import { createWriter } from "./writer.ts";

const OCCASIONS = Object.keys(ENGLISH) as Occasion[];

function author(language: Person["language"]): Person {
  return { id: "demo.x", name: "x", language, talk: 1, thumb: 1, regular: false };
}

describe("the grammar", () => {
  test("a choice is made from a list of that name, or from what stands there", () => {
    expect(expand("{a} {x|y}", { a: ["{b}!"], b: ["deep"] }, () => 0.9)).toBe("deep! y");
  });

  test("lists that go in circles are found, not followed", () => {
    expect(() => expand("{a}", { a: ["{a}"] }, () => 0)).toThrow("circles");
  });
});

describe("the texts", () => {
  test("every template of every language comes out whole, and short enough for a comment", () => {
    const random = seededRandom(1);
    const all: (readonly [string, WordLists])[] = [];
    const add = (lines: readonly string[], words: WordLists) =>
      all.push(...lines.map((line) => [line, words] as const));
    for (const lines of Object.values(ENGLISH)) add(lines, { ...WORDS, name: ["somebody"] });
    for (const lines of [...Object.values(HOST.moment), HOST.answer, HOST.welcome, HOST.pinned])
      add(lines, { ...WORDS, name: ["somebody"] });
    for (const { ask, host, regular } of QUESTIONS) add([ask, ...host, ...regular], WORDS);
    for (const language of Object.values(LANGUAGES))
      for (const lines of [language.idle, language.short, language.hello, language.burst])
        add(lines, language.words);

    for (const [template, words] of all) {
      // A single word in braces is the name of a list: a misspelt one would be printed as it
      // stands.
      for (const [, name = ""] of template.matchAll(/\{([^{}|]*)\}/g))
        expect(Object.keys(words)).toContain(name);
      for (let round = 0; round < 20; round++) {
        const text = expand(template, words, random);
        expect(text).not.toMatch(/[{}|]/);
        expect([...text].length).toBeLessThanOrEqual(COMMENT_CODE_POINTS_MAX);
      }
    }
  });

  test("ten minutes of talk hardly repeat a sentence", () => {
    const random = seededRandom(2);
    const writer = createWriter(random);
    const texts: string[] = [];
    for (let count = 0; count < 300; count++)
      texts.push(writer.write(author("en"), "idle").toLowerCase());
    expect(new Set(texts).size).toBeGreaterThan(270);
    // And never twice among what is on the screen.
    for (let end = 30; end <= texts.length; end++)
      expect(new Set(texts.slice(end - 30, end)).size).toBe(30);
  });

  test("every author writes in their own language, and every occasion has words", () => {
    const writer = createWriter(seededRandom(3));
    for (const language of ["en", ...Object.keys(LANGUAGES)] as Person["language"][]) {
      for (const occasion of OCCASIONS)
        expect(writer.write(author(language), occasion, "Ana").length).toBeGreaterThan(0);
    }
    expect(writer.write(author("ar"), "idle")).toMatch(/\p{Script=Arabic}/u);
    expect(writer.write(author("he"), "hello")).toMatch(/\p{Script=Hebrew}/u);
  });
});

describe("the people", () => {
  test("have distinct ids, and a small audience is as mixed as a large one", () => {
    const people = gatherPeople(500, seededRandom(4));
    expect(people).toHaveLength(500);
    expect(new Set(people.map((person) => person.id)).size).toBe(500);
    expect(people.every((person) => /^[A-Za-z0-9._-]{1,128}$/.test(person.id))).toBe(true);
    const languages = new Set(gatherPeople(30, seededRandom(5)).map((person) => person.language));
    expect(languages.size).toBeGreaterThan(8);
  });
});
