import { expect, test } from "bun:test";
import { createPhrases } from "./phrases.ts";

const english = {
  hello: "Hello {name}, {text}",
  likes: { one: "{n} like", other: "{n} likes" },
  error: "Something went wrong.",
  "error-network": "No server.",
};

test("values are put in, and a placeholder without a value stays", () => {
  const { t } = createPhrases<keyof typeof english>("en", english);
  expect(t("hello", { name: "Ana", text: "{name}" })).toBe("Hello Ana, {name}");
  expect(t("hello", { name: "$&" })).toBe("Hello $&, {text}");
});

test("numbers and plurals are those of the language", () => {
  const { t, compact } = createPhrases<keyof typeof english>("de", english);
  expect(t("likes", { n: 1 })).toBe("1 like");
  expect(t("likes", { n: 1200 })).toBe("1.200 likes");
  expect(createPhrases("en", english).compact(1234)).toBe("1.2K");
  expect(compact(90_412)).not.toBe("");
});

test("a later catalogue replaces phrases, and a missing one falls back", () => {
  const { t } = createPhrases<"hello" | "extra">("es", english, { hello: "Hola {name}" });
  expect(t("hello", { name: "Ana" })).toBe("Hola Ana");
  expect(t("extra", {}, "Extra")).toBe("Extra");
  expect(t("extra")).toBe("extra");
});

test("an error's code has its sentence, an unknown one the general one", () => {
  const { problem } = createPhrases("en", english);
  expect(problem("network")).toBe("No server.");
  expect(problem("new-code")).toBe("Something went wrong.");
  expect(problem(undefined)).toBe("Something went wrong.");
});

test("a language that Intl does not accept is written without it", () => {
  const phrases = createPhrases<keyof typeof english>("no language", english);
  expect(phrases.t("likes", { n: 2 })).toBe("2 likes");
  expect(phrases.compact(1234)).toBe("1234");
  expect(phrases.time(Date.now())).toMatch(/^\d\d:\d\d$/);
});
