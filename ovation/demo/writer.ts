/** Finds words for an occasion, and does not say the same thing twice in a while. */

import { LANGUAGES, type Language } from "./demo-languages.ts";
import type { Person } from "./demo-people.ts";
import { ENGLISH, type Occasion, WORDS } from "./demo-texts.ts";
import { expand, pick } from "./grammar.ts";
import { TEXTS_REMEMBERED } from "./limits.ts";

const TRIES = 12;

export interface Writer {
  /** What `person` says. `name` is whom they speak to, where the occasion has somebody. */
  write(person: Person, occasion: Occasion, name?: string): string;
  /** One of the lines, with its words chosen: the host's. */
  say(lines: readonly string[], name?: string): string;
}

export function createWriter(random: () => number): Writer {
  /** The oldest first. */
  const said = new Set<string>();

  /** Of several tries the first that was not said lately; else the last one. */
  function fresh(make: () => string): string {
    let text = make();
    for (let tries = 1; tries < TRIES && said.has(text); tries++) text = make();
    said.delete(text);
    said.add(text);
    if (said.size > TEXTS_REMEMBERED) {
      const [oldest] = said;
      if (oldest !== undefined) said.delete(oldest);
    }
    return text;
  }

  function english(lines: readonly string[], name: string | undefined): string {
    return expand(pick(lines, random), name === undefined ? WORDS : { ...WORDS, name: [name] }, random);
  }

  return {
    write(person, occasion, name) {
      const language: Language | undefined = person.language === "en" ? undefined : LANGUAGES[person.language];
      if (language === undefined || !isForeignOccasion(occasion)) return fresh(() => loosely(english(ENGLISH[occasion], name)));
      return fresh(() => expand(pick(language[occasion], random), language.words, random));
    },
    say: (lines, name) => fresh(() => english(lines, name)),
  };

  /** People type as they like: some begin with a capital, some do not. */
  function loosely(text: string): string {
    return random() < 0.25 ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  }
}

function isForeignOccasion(occasion: Occasion): occasion is "idle" | "short" | "hello" | "burst" {
  return occasion === "idle" || occasion === "short" || occasion === "hello" || occasion === "burst";
}
