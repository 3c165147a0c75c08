/**
 * Names that look the same: case, width, accents, spaces, signs and characters of other scripts are
 * folded (UTS #39; the table is written by `scripts/confusables-table.ts`).
 */

import table from "./confusables.json" with { type: "json" };

const LOOKS_LIKE: ReadonlyMap<string, string> = new Map(
  table.pairs.split("\t").map((pair) => {
    const [from = "", ...to] = pair;
    return [from, to.join("")];
  }),
);
/**
 * Letters that Unicode has as drawings of Latin ones and that no normalization takes back: negative
 * circled, negative squared, regional indicators, and small capitals.
 */
const DRAWN: ReadonlyMap<string, string> = new Map([
  ...[0x1f150, 0x1f170, 0x1f1e6].flatMap((first) =>
    Array.from({ length: 26 }, (_, index): [string, string] => [
      String.fromCodePoint(first + index),
      String.fromCharCode(97 + index),
    ]),
  ),
  ...[..."ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ"].map((small, index): [string, string] => [
    small,
    "abcdefghijklmnopqrstuvwyz".charAt(index),
  ]),
]);
const ANY_DRAWN = new RegExp(`[${[...DRAWN.keys()].join("")}]`, "gu");
const ASCII_WORD = /^[a-z]+$/;
const NOT_SEEN = /[\p{M}\p{Default_Ignorable_Code_Point}]/gu;
const NO_LETTER = /[^\p{L}\p{N}]/gu;

/**
 * What the name looks like, in its ways: two names look the same where they share one. A capital I
 * is an l to the eye and an i to a reader, so one way is not enough.
 */
export function looksOf(name: string): readonly string[] {
  const before = remembered.get(name);
  if (before !== undefined) return before;
  const looks = lookAt(name);
  if (remembered.size >= REMEMBERED_MAX) remembered.clear();
  remembered.set(name, looks);
  return looks;
}

/** The same people write again and again. When there are more names, all are forgotten. */
export const REMEMBERED_MAX = 10_000;
const remembered = new Map<string, readonly string[]>();

function lookAt(name: string): readonly string[] {
  const plain = name
    .normalize("NFKD")
    .replace(ANY_DRAWN, (letter) => DRAWN.get(letter) ?? letter)
    .replace(NOT_SEEN, "");
  const looks = [
    resemble(plain.toLowerCase()),
    resemble(plain),
    resemble(plain, (character, like) => (like === "l" && /\p{Lu}/u.test(character) ? "i" : like)),
  ].map((look) => {
    const letters = look
      .normalize("NFKD")
      .toLowerCase()
      .replace(NO_LETTER, "")
      .replaceAll("m", "rn");
    // A name of signs only looks like itself.
    return letters === "" ? plain.replace(/\p{Z}/gu, "") : letters;
  });
  return [...new Set(looks)];
}

export function looksLike(one: string, other: string): boolean {
  const looks = looksOf(other);
  return looksOf(one).some((look) => looks.includes(look));
}

function resemble(
  text: string,
  choose: (character: string, like: string) => string = (_, like) => like,
): string {
  if (ASCII_WORD.test(text)) return text;
  let look = "";
  for (const character of text) look += choose(character, LOOKS_LIKE.get(character) ?? character);
  return look;
}

/** What hosts and moderators are called, in languages of the pages. */
const STAFF_WORDS = [
  "admin",
  "administrator",
  "host",
  "mod",
  "mods",
  "moderator",
  "moderators",
  "official",
  "organizer",
  "owner",
  "staff",
  "streamer",
  "support",
  "system",
  "moderador",
  "moderadora",
  "anfitrion",
  "anfitriona",
  "moderateur",
  "moderatrice",
  "gastgeber",
  "moderatoren",
  "moderatore",
  "anfitriao",
  "модератор",
  "ведущий",
  "админ",
  "مشرف",
  "مضيف",
  "主持人",
  "管理员",
  "房管",
  "主播",
  "モデレーター",
  "ホスト",
  "관리자",
  "호스트",
];
const FILLERS = ["the", "a", "an", "your", "team", "live", "real", "new", "el", "la", "der", "die"];
const staffLooks = new Set(STAFF_WORDS.flatMap(looksOf));
const fillerLooks = new Set(FILLERS.flatMap(looksOf));
const has = (looks: ReadonlySet<string>, word: string) =>
  looksOf(word).some((look) => looks.has(look));

/**
 * Whether a name says nothing but that its bearer is staff: `Moderator`, `🛡️ M0D`, `The Host ✔`.
 */
export function soundsLikeStaff(name: string): boolean {
  if (has(staffLooks, name)) return true;
  const words = name.split(/[^\p{L}\p{N}\p{M}]+/u).filter((word) => word !== "");
  const rest = words.filter((word) => !has(fillerLooks, word) && !/^\p{N}+$/u.test(word));
  return rest.length > 0 && rest.every((word) => has(staffLooks, word));
}

/** Signs that pages put beside the names of those they have checked. */
export const BADGES = /[✓✔☑✅🗸🛡🔰🎖]\ufe0f?/gu;
