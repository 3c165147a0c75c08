/** What happens at each limit of a token's claims. */

import { expect, test } from "bun:test";
import type { Identity } from "@ovation/protocol";
import {
  AVATAR_CHARACTERS_MAX,
  type ClaimMapping,
  EXPIRES_AT_MAX,
  identityFrom,
  NAME_CHARACTERS_MAX,
  PATTERNS_MAX,
  ROLE_VALUES_MAX,
} from "./claims.ts";

function read(claims: object, mapping: ClaimMapping = {}) {
  const ignored: string[] = [];
  const result = identityFrom(
    { sub: "alice", ...claims },
    { signer: "here", mapping, onIgnored: (claim) => ignored.push(claim) },
  );
  if (!result.ok) throw new Error(result.detail);
  const identity: Identity = result.identity;
  return { ...identity, ignored };
}

test("NAME_CHARACTERS_MAX: a name is read up to so many characters", () => {
  const invisible = (count: number) => "\u200b".repeat(count);
  expect(read({ name: `${invisible(NAME_CHARACTERS_MAX - 3)}Bob` }).name).toBe("Bob");
  expect(read({ name: `${invisible(NAME_CHARACTERS_MAX)}Bob` }).name).toBe("alice");
});

test("AVATAR_CHARACTERS_MAX: a longer address is none", () => {
  const avatar = (characters: number) => "https://a.example/".padEnd(characters, "a");
  const longest = avatar(AVATAR_CHARACTERS_MAX);
  expect(read({ avatar: longest }).avatar).toBe(longest);
  const longer = read({ avatar: avatar(AVATAR_CHARACTERS_MAX + 1) });
  expect([longer.avatar, longer.ignored]).toEqual([undefined, ["avatar"]]);
});

test("ROLE_VALUES_MAX: a role beyond so many of an issuer's is not found", () => {
  const groups = (before: number) => [...Array<string>(before).fill("staff"), "host"];
  const mapping = { roleClaim: "groups" };
  expect(read({ groups: groups(ROLE_VALUES_MAX - 1) }, mapping).role).toBe("host");
  expect(read({ groups: groups(ROLE_VALUES_MAX) }, mapping).role).toBe("member");
});

test("PATTERNS_MAX: of a longer list of patterns or roles none counts", () => {
  const videos = (count: number) => Array.from({ length: count }, (_, index) => `v${index}`);
  const claims = (count: number) => ({
    subscribe: videos(count).map((id) => `video:${id}`),
    publish: videos(count).map((id) => `video:${id}`),
    roles: Object.fromEntries(videos(count).map((id) => [id, "host"])),
  });
  expect(read(claims(PATTERNS_MAX))).toMatchObject({
    subscribe: claims(PATTERNS_MAX).subscribe,
    publish: claims(PATTERNS_MAX).publish,
    videoRoles: claims(PATTERNS_MAX).roles,
    ignored: [],
  });
  expect(read(claims(PATTERNS_MAX + 1))).toMatchObject({
    subscribe: [],
    publish: [],
    videoRoles: {},
    ignored: ["roles", "subscribe", "publish"],
  });
});

test("EXPIRES_AT_MAX: a token ends at the last moment of a Date at the latest", () => {
  expect(read({ exp: EXPIRES_AT_MAX / 1000 }).expiresAt).toBe(EXPIRES_AT_MAX);
  expect(read({ exp: EXPIRES_AT_MAX / 1000 + 1 }).expiresAt).toBe(EXPIRES_AT_MAX);
  expect(new Date(EXPIRES_AT_MAX).getTime()).toBe(EXPIRES_AT_MAX);
  expect(new Date(EXPIRES_AT_MAX + 1).getTime()).toBeNaN();
});
