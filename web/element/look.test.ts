import { describe, expect, test } from "bun:test";
import arabic from "../i18n/element-ar.json";
import german from "../i18n/element-de.json";
import spanish from "../i18n/element-es.json";
import type { Catalogue } from "../i18n/phrases.ts";
import { heartsFor } from "./hearts.ts";
import { HEART_LIFE_MS, HEARTS_MAX } from "./limits.ts";
import { hueOf } from "./list/name-colour.ts";
import { menuEnglish } from "./menu/menu-words.ts";
import { createStrings, english as own, type StringKey } from "./strings.ts";

const english = { ...own, ...menuEnglish };

type Rgb = readonly [number, number, number];

/**
 * OKLCH to linear sRGB, clipped to what a screen shows.
 * https://www.w3.org/TR/css-color-4/#color-conversion-code
 */
function oklch(lightness: number, chroma: number, hue: number): Rgb {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const clip = (value: number): number => Math.min(1, Math.max(0, value));
  return [
    clip(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    clip(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    clip(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

function hex(colour: string): Rgb {
  const channel = (at: number): number => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

/** [spec] WCAG 2.2, contrast ratio. */
function contrast(one: Rgb, other: Rgb): number {
  const luminance = ([red, green, blue]: Rgb): number =>
    0.2126 * red + 0.7152 * green + 0.0722 * blue;
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

describe("names", () => {
  test("are readable in every hue, on every background of both themes", async () => {
    const css = await Bun.file(`${import.meta.dir}/list/list.css`).text();
    // The numbers are read from the style sheet, so that a change there is a change here.
    const colour = String.raw`oklch\(([\d.]+) ([\d.]+) var\(--hue\)\)`;
    const name = new RegExp(`\\.name \\{[^}]*light-dark\\(\\s*${colour},\\s*${colour}`).exec(css);
    const avatar = /\.avatar \{[^}]*oklch\(([\d.]+) ([\d.]+) var\(--hue\)\)/.exec(css);
    const [light, lightChroma, dark, darkChroma] = (name?.slice(1) ?? []).map(Number);
    const [disc, discChroma] = (avatar?.slice(1) ?? []).map(Number);
    for (let hue = 0; hue < 360; hue++) {
      for (const background of ["#ffffff", "#f4f4f7", "#f3f1fe"])
        expect(contrast(oklch(light!, lightChroma!, hue), hex(background))).toBeGreaterThanOrEqual(
          4.5,
        );
      for (const background of ["#15161b", "#202127", "#24222f"])
        expect(contrast(oklch(dark!, darkChroma!, hue), hex(background))).toBeGreaterThanOrEqual(
          4.5,
        );
      expect(contrast(oklch(disc!, discChroma!, hue), hex("#ffffff"))).toBeGreaterThanOrEqual(4.5);
    }
  });

  test("spread over the hues", () => {
    const hues = new Set(
      Array.from({ length: 200 }, (_, index) => Math.floor(hueOf(`guest-${index}`) / 30)),
    );
    expect(hues.size).toBe(12);
    expect(hueOf("ana")).toBe(hueOf("ana"));
  });
});

describe("hearts", () => {
  test("one per like up to six, then proportionally fewer, never more than the limit", () => {
    expect([0, 1, 6].map(heartsFor)).toEqual([0, 1, 6]);
    for (let likes = 7; likes < 100_000; likes = Math.ceil(likes * 1.3)) {
      expect(heartsFor(likes)).toBeGreaterThanOrEqual(6);
      expect(heartsFor(likes) * (HEART_LIFE_MS / 1000)).toBeLessThanOrEqual(HEARTS_MAX);
    }
  });
});

describe("words", () => {
  const catalogues: readonly (readonly [string, Catalogue])[] = [
    ["ar", arabic],
    ["de", german],
    ["es", spanish],
  ];

  test("exist in every language, with the same places for values", () => {
    const places = (phrase: unknown): string[] =>
      [...new Set(JSON.stringify(phrase).match(/\{(name|text)\}/g) ?? [])].sort();
    for (const [language, catalogue] of catalogues) {
      expect(Object.keys(catalogue).sort(), language).toEqual(Object.keys(english).sort());
      for (const key of Object.keys(english))
        expect(places(catalogue[key]), `${language} ${key}`).toEqual(
          places(english[key as StringKey]),
        );
    }
  });

  test("follow the language's plurals and numbers", () => {
    const [arab, germans] = [createStrings("ar", arabic), createStrings("de", german)];
    expect(arab.t("newComments", { n: 2 })).toBe("تعليقان جديدان");
    expect(germans.t("newComments", { n: 1200 })).toBe("1.200 neue Kommentare");
    expect(createStrings("en").compact(90412)).toBe("90.4K");
    expect(createStrings("en").problem("something-new")).toBe("Something went wrong. Try again.");
  });
});
