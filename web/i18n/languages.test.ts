import { expect, test } from "bun:test";
import { type CatalogueFiles, entryOf, LANGUAGES, languageOf, loadCatalogue } from "./languages.ts";

const FILES: CatalogueFiles = {
  ar: async () => ({ default: { title: "ar" } }),
  de: async () => ({ default: { title: "de" } }),
  es: async () => ({ default: { title: "es" } }),
};

test("a tag's language has its catalogue, whatever its region and letter case", async () => {
  expect(await loadCatalogue(FILES, "de-AT")).toEqual({ title: "de" });
  expect(await loadCatalogue(FILES, "AR")).toEqual({ title: "ar" });
});

test("English, unknown languages and names of Object's have none", async () => {
  for (const tag of ["en", "en-GB", "fr", "", "constructor", "toString"])
    expect(await loadCatalogue(FILES, tag)).toEqual({});
  expect(entryOf(FILES, "constructor")).toBeUndefined();
});

test("tags that Intl does not accept are made acceptable, or English", () => {
  expect(["de_DE", "en-US@posix", "pt-br.UTF-8", "", "no tag!"].map(languageOf)).toEqual([
    "de-DE",
    "en-US",
    "pt-BR",
    "en",
    "en",
  ]);
});

test("every language has the same phrases of element, inbox and pages", async () => {
  for (const part of ["element", "inbox", "page"]) {
    const keys = await Promise.all(
      LANGUAGES.map(async (language) =>
        Object.keys(await Bun.file(`${import.meta.dir}/${part}-${language}.json`).json()).sort(),
      ),
    );
    for (const each of keys) expect(each).toEqual(keys[0] ?? []);
  }
});
