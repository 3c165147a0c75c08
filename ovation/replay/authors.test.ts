import { expect, test } from "bun:test";
import { signedAuthors } from "./authors.ts";
import { AUTHORS_MAX } from "./limits.ts";

test("AUTHORS_MAX: one more token evicts the longest unused", async () => {
  let signed = 0;
  const { author } = signedAuthors(async () => String(++signed), "42");
  for (let index = 0; index < AUTHORS_MAX; index++) await author(`a${index}`, "member");
  expect((await author("a0", "member")).token).toBe("1");
  await author("one more", "member");
  expect(signed).toBe(AUTHORS_MAX + 1);
  expect((await author("a0", "member")).token).toBe("1");
  expect((await author("a1", "member")).token).toBe(String(AUTHORS_MAX + 2));
});
