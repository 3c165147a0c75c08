/** The audience: invented names, each with a language and a temper. */

import type { LanguageCode } from "./demo-languages.ts";

export interface Person {
  /** The member's id: `demo.mossy-signal`. */
  readonly id: string;
  readonly name: string;
  readonly language: LanguageCode;
  /** How much of the talking is theirs: 0 for those who only watch and tap. */
  readonly talk: number;
  /** How eager their thumb is, 0 to 1. */
  readonly thumb: number;
  /** Regulars welcome others and answer questions. */
  readonly regular: boolean;
}

/** A person who may post. */
export interface Member extends Person {
  readonly token: string;
}

const REGULARS = [
  "mossy_signal",
  "Priya",
  "tidepool",
  "Jonas K.",
  "night_kettle",
  "Odalys",
  "Bex",
  "paper_lantern",
];

const ENGLISH = [
  "quietfern",
  "Marlowe",
  "lofi_lena",
  "Sam the baker",
  "orbit7",
  "Wren",
  "hex_and_honey",
  "Ravi",
  "blue_hour",
  "Tove",
  "kitesurfer_ann",
  "Dex",
  "saltwater",
  "Imogen",
  "nightbus42",
  "Kofi",
  "greyscale",
  "Nilo",
  "two_left_feet",
  "Astrid",
  "pixel.prairie",
  "Moira",
  "campfire_dan",
  "Zuri",
  "slowcoach",
  "Femke",
  "ghost_pepper",
  "Linnea",
];

const OTHERS: readonly (readonly [LanguageCode, string])[] = [
  ["es", "Lucía"],
  ["es", "el_faro"],
  ["es", "Nico 🌵"],
  ["pt", "Tainá"],
  ["pt", "beira-mar"],
  ["fr", "Margaux"],
  ["fr", "petit_nuage"],
  ["de", "Wanderfalke"],
  ["de", "Lotte"],
  ["ja", "ゆき"],
  ["ja", "夜更かし"],
  ["ko", "미나"],
  ["ko", "달빛산책"],
  ["zh", "小北"],
  ["zh", "夜航船"],
  ["ar", "نور"],
  ["ar", "قهوة وكتاب"],
  ["he", "נועה"],
  ["hi", "आरव"],
  ["tr", "Defne"],
  ["uk", "Олеся"],
  ["sw", "Amani"],
];

/**
 * `count` people, the regulars first; names repeat with a number when there are more people than
 * names.
 */
export function gatherPeople(count: number, random: () => number): readonly Person[] {
  const english = shuffle(
    ENGLISH.map((name): readonly [LanguageCode, string] => ["en", name]),
    random,
  );
  // One of each language before the second of any, so that a small audience is as mixed as a large
  // one.
  const first = OTHERS.filter(
    ([language], index) => OTHERS.findIndex(([other]) => other === language) === index,
  );
  const others = [
    ...shuffle([...first], random),
    ...shuffle(
      OTHERS.filter((other) => !first.includes(other)),
      random,
    ),
  ];
  const crowd = english
    .flatMap((person, index) => [person, others[index] ?? []])
    .filter((person) => person.length === 2);
  const people: Person[] = REGULARS.map((name) =>
    person(name, "en", { talk: 1 + random() * 0.7, thumb: 0.6 + random() * 0.4, regular: true }),
  );
  for (let index = 0; people.length < count; index++) {
    const [language, name] = crowd[index % crowd.length] ?? ["en", "someone"];
    const round = Math.floor(index / crowd.length);
    // A third only watch.
    const talk = random() < 0.34 ? 0 : 0.25 + random();
    people.push(
      person(round === 0 ? name : `${name} ${round + 1}`, language, {
        talk,
        thumb: random(),
        regular: false,
      }),
    );
  }
  return people.slice(0, count);
}

function person(
  name: string,
  language: LanguageCode,
  temper: Pick<Person, "talk" | "thumb" | "regular">,
): Person {
  return { id: `demo.${idOfName(name)}`, name, language, ...temper };
}

/**
 * The name as far as an id can hold it, and a number of the whole of it, so that no two are alike.
 */
function idOfName(name: string): string {
  let hash = 7;
  for (const letter of name) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) >>> 0;
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return plain === "" ? hash.toString(36) : `${plain}.${hash.toString(36)}`;
}

function shuffle<Item>(items: Item[], random: () => number): readonly Item[] {
  for (let index = items.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    const [one, two] = [items[index], items[other]];
    if (one === undefined || two === undefined) continue;
    items[index] = two;
    items[other] = one;
  }
  return items;
}
