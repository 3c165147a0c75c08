/** The languages of element, inbox and pages, and how one is chosen. English is built in. */

import type { Catalogue } from "./phrases.ts";

/** Languages that have catalogues: `element-*.json`, `inbox-*.json`, `page-*.json`. */
export const LANGUAGES = ["ar", "de", "es"] as const;
export type Language = (typeof LANGUAGES)[number];

/** Spelled out per catalogue, so that the bundler makes a file of each. */
export type CatalogueFiles = Readonly<
  Record<Language, () => Promise<{ readonly default: Catalogue }>>
>;

/** The entry of a tag's language; undefined for English and where there is none. */
export function entryOf<Entry>(
  entries: Readonly<Record<Language, Entry>>,
  tag: string,
): Entry | undefined {
  const language = LANGUAGES.find((each) => each === primaryOf(tag));
  return language && entries[language];
}

/** `de` of `de-AT`. */
export function primaryOf(tag: string): string | undefined {
  return tag.toLowerCase().split("-")[0];
}

/** The catalogue of a tag's language: empty for English and where there is none. */
export async function loadCatalogue(files: CatalogueFiles, tag: string): Promise<Catalogue> {
  return (await entryOf(files, tag)?.())?.default ?? {};
}

/** The language of the page around an element, or the browser's. */
export function languageAround(element: Element): string {
  return languageOf(
    element.closest("[lang]")?.getAttribute("lang") || (navigator.language ?? "en"),
  );
}

/** The tag as `Intl` accepts it: `de_DE` and `en-US@posix` are no tags, and would throw there. */
export function languageOf(tag: string): string {
  const [plain = ""] = tag.split(/[.@]/);
  try {
    return Intl.getCanonicalLocales(plain.replaceAll("_", "-"))[0] ?? "en";
  } catch {
    return "en";
  }
}
