/** Phrases of one language: values put in, numbers, times and plurals by `Intl`. */

import { tried } from "@ovation/client/tried";

/** A sentence, or one for each plural category of its `{n}`. */
export type Phrase = string | Partial<Record<Intl.LDMLPluralRule, string>>;
export type Catalogue = Readonly<Partial<Record<string, Phrase>>>;

export interface Values {
  readonly n?: number;
  readonly name?: string;
  readonly text?: string;
}

export interface Phrases<Key extends string> {
  readonly language: string;
  /**
   * The phrase of `key`, or `fallback` where the language has none. `{n}` is formatted as a number
   * of the language and selects the plural; a placeholder without a value stays.
   */
  t(key: Key, values?: Values, fallback?: Phrase): string;
  /** The sentence for an error's code. */
  problem(code: string | undefined): string;
  /** 1234 → 1.2K */
  compact(value: number): string;
  number(value: number): string;
  /** 14:05 */
  time(at: number): string;
}

/** A later catalogue replaces phrases of an earlier one. */
export function createPhrases<Key extends string>(
  language: string,
  ...catalogues: Catalogue[]
): Phrases<Key> {
  const phrases: Catalogue = Object.assign({}, ...catalogues);
  const plural = tried(() => new Intl.PluralRules(language));
  const full = tried(() => new Intl.NumberFormat(language));
  const short = tried(
    () => new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 }),
  );
  const clock = tried(
    () => new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" }),
  );
  const pluralOf = (n: number) => plural?.select(n) ?? (n === 1 ? "one" : "other");
  const number = (value: number) => full?.format(value) ?? `${value}`;

  function t(key: string, values: Values = {}, fallback: Phrase = key): string {
    const phrase = phrases[key] ?? fallback;
    const text =
      typeof phrase === "string"
        ? phrase
        : (phrase[pluralOf(values.n ?? 0)] ?? phrase.other ?? key);
    return text.replace(/\{(n|name|text)\}/g, (placeholder, name: keyof Values) => {
      const value = values[name] ?? placeholder;
      return typeof value === "number" ? number(value) : value;
    });
  }

  return {
    language,
    t,
    problem: (code) => t(`error-${code}` in phrases ? `error-${code}` : "error"),
    compact: (value) => short?.format(value) ?? `${value}`,
    number,
    time: (at) => clock?.format(at) ?? new Date(at).toTimeString().slice(0, 5),
  };
}
