/** Finds words for an occasion, and does not say the same thing twice in a while. */

import { QUESTIONS, type Question } from "./demo-host.ts";
import { LANGUAGES, type Language } from "./demo-languages.ts";
import type { Person } from "./demo-people.ts";
import { ENGLISH, type Occasion, WORDS } from "./demo-texts.ts";
import { expand, pick, type WordLists } from "./grammar.ts";
import { TEXTS_REMEMBERED } from "./limits.ts";

const TRIES = 12;

export interface Writer {
  /** What `person` says. `name` is whom they speak to, where the occasion has a person. */
  write(person: Person, occasion: Occasion, name?: string): string;
  /** A question, and what it was made of, for the answer. */
  ask(): { readonly text: string; readonly question: Question };
  /** One of the lines, with its words chosen. */
  say(lines: readonly string[], name?: string): string;
}

export function createWriter(random: () => number): Writer {
  /** The oldest first. */
  const said = new Set<string>();
  /**
   * Sentences are the same sentence with other words: of each list the half that was used last
   * rests.
   */
  const resting = new Map<readonly unknown[], unknown[]>();

  function pickRested<Item>(lines: readonly Item[]): Item {
    const tired = resting.get(lines) ?? [];
    const line = pick(
      lines.filter((each) => !tired.includes(each)),
      random,
    );
    tired.push(line);
    if (tired.length > lines.length / 2) tired.shift();
    resting.set(lines, tired);
    return line;
  }

  /** Of several attempts the first that is not recent; else the last one. */
  function fresh(
    lines: readonly string[],
    words: WordLists,
    finish: (text: string) => string = (text) => text,
  ): string {
    let text = "";
    for (let tries = 0; tries < TRIES && (tries === 0 || said.has(text)); tries++)
      text = expand(pickRested(lines), words, random);
    said.delete(text);
    said.add(text);
    if (said.size > TEXTS_REMEMBERED) {
      const [oldest] = said;
      if (oldest !== undefined) said.delete(oldest);
    }
    return finish(text);
  }

  const withName = (name: string | undefined): WordLists =>
    name === undefined ? WORDS : { ...WORDS, name: [name] };

  return {
    write(person, occasion, name) {
      const language: Language | undefined =
        person.language === "en" ? undefined : LANGUAGES[person.language];
      if (language === undefined || !isForeignOccasion(occasion))
        return fresh(ENGLISH[occasion], withName(name), loosely);
      return fresh(language[occasion === "cheer" ? "short" : occasion], language.words);
    },
    ask() {
      const question = pickRested(QUESTIONS);
      return { text: loosely(expand(question.ask, WORDS, random)), question };
    },
    say: (lines, name) => fresh(lines, withName(name)),
  };

  /** People type as they like: some begin with a capital, some do not. */
  function loosely(text: string): string {
    return random() < 0.25 ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  }
}

function isForeignOccasion(
  occasion: Occasion,
): occasion is "idle" | "short" | "hello" | "burst" | "cheer" {
  return (
    occasion === "cheer" ||
    occasion === "idle" ||
    occasion === "short" ||
    occasion === "hello" ||
    occasion === "burst"
  );
}
