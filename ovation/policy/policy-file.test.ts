import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  commentAudienceOf,
  DEFAULT_POLICY,
  type Identity,
  maySubscribe,
  topicOf,
  typePolicyOf,
} from "@ovation/protocol";
import {
  FILE_CHARACTERS_MAX,
  PolicyFileError,
  parseConfiguration,
  readPolicyFile,
  toPolicy,
} from "./policy-file.ts";
import { STAFF_LISTED_MAX } from "./policy-schema.ts";

const directory = mkdtempSync(join(tmpdir(), "ovation-policy-"));
afterAll(() => rmSync(directory, { recursive: true }));

function write(text: string): string {
  const path = join(directory, "policy.yaml");
  writeFileSync(path, text);
  return path;
}

function mistakesOf(text: string): string[] {
  try {
    parseConfiguration(text, "policy.yaml");
    return [];
  } catch (error) {
    if (!(error instanceof PolicyFileError)) throw error;
    return error.message.split("\n");
  }
}

const member = (role: Identity["role"], subscribe: readonly string[] = []): Identity => ({
  sub: "alice",
  name: "Alice",
  role,
  videoRoles: {},
  subscribe,
  publish: [],
});

describe("policy file", () => {
  test("an empty file changes nothing", async () => {
    expect(await readPolicyFile(write(""))).toEqual({ policy: DEFAULT_POLICY });
    expect(await readPolicyFile(write("# only a comment\n"))).toEqual({ policy: DEFAULT_POLICY });
  });

  test("private videos, new kinds, types and retention", async () => {
    const { policy } = await readPolicyFile(
      write(`
kinds:
  video:
    comment: members
    exceptions:
      - ids: board-*
        subscribe: token
      - ids: staff
        subscribe: signed-in
        comment: staff
    types:
      goal: { lane: durable }
  score:
    subscribe: anyone
    viewers: true
    defaultType: { lane: live, merge: latest }
    retention: { days: 7, events: 100 }
`),
    );
    const video = (id: string) => topicOf("video", id);
    expect(maySubscribe(policy, undefined, video("42"))).toBe(true);
    expect(maySubscribe(policy, member("host"), video("board-1"))).toBe(false);
    expect(maySubscribe(policy, member("guest", ["video:board-1"]), video("board-1"))).toBe(true);
    expect(maySubscribe(policy, member("guest"), video("staff"))).toBe(false);
    expect(maySubscribe(policy, member("member"), video("staff"))).toBe(true);
    expect([
      commentAudienceOf(policy, video("42")),
      commentAudienceOf(policy, video("staff")),
    ]).toEqual(["members", "staff"]);
    expect(typePolicyOf(policy, video("42"), "goal").lane).toBe("durable");
    expect(typePolicyOf(policy, video("42"), "likes").merge).toBe("sum");
    expect(policy.score).toMatchObject({
      viewers: true,
      retention: { ageMsMax: 7 * 86_400_000, eventsMax: 100 },
    });
    expect(maySubscribe(policy, undefined, topicOf("other", "1"))).toBe(false);
    expect(policy.member).toEqual(DEFAULT_POLICY.member);
  });

  test("everything else that it can say", async () => {
    writeFileSync(
      join(directory, "login.pem"),
      "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n",
    );
    writeFileSync(join(directory, "old-secret"), "the secret before this one\n");
    const path = write(
      JSON.stringify({
        comments: { textLength: 300, likeKinds: ["like", "fire"] },
        messages: "members",
        guests: false,
        videos: "listed",
        limits: { commentsPerMember: { burst: 3, perSeconds: 30 } },
        cors: ["https://example.org"],
        trustedProxies: ["10.0.0.0/8", "loopback"],
        tokens: {
          issuer: "https://login.example",
          audience: "ovation",
          publicKeys: ["login.pem"],
          acceptedSecrets: ["old-secret"],
          jwksUrl: "https://login.example/jwks",
          clockToleranceSeconds: 5,
        },
      }),
    );
    expect(await readPolicyFile(path)).toEqual({
      policy: DEFAULT_POLICY,
      textCodePointsMax: 300,
      likeKinds: ["like", "fire"],
      messages: "members",
      guests: false,
      videos: "listed",
      rateRules: { commentsPerMember: { burst: 3, perMs: 30_000 } },
      corsOrigins: ["https://example.org"],
      trustedProxies: ["10.0.0.0/8", "loopback"],
      tokens: {
        issuer: "https://login.example",
        audience: "ovation",
        publicKeys: [expect.stringContaining("BEGIN PUBLIC KEY")],
        acceptedSecrets: ["the secret before this one"],
        jwksUrl: "https://login.example/jwks",
        clockToleranceS: 5,
      },
    });
  });

  test("a mistake is named with its line and column", () => {
    expect(mistakesOf("guests: true\nkinds:\n  video:\n    subscribe: unknown\n")[0]).toStartWith(
      "policy.yaml:4:5: kinds.video.subscribe: ",
    );
    expect(mistakesOf("guests: true\ngeusts: false\n")).toEqual([
      "policy.yaml:2:1: geusts: is not known here",
    ]);
    expect(
      mistakesOf(
        "kinds:\n  video:\n    exceptions:\n      - ids: a\n        subscribe: token\n" +
          "      - ids: 'b c'\n        subscribe: token\n",
      )[0],
    ).toStartWith("policy.yaml:6:9: kinds.video.exceptions.1.ids: ");
    expect(mistakesOf("kinds:\n  video: {types: {stats: {lane: live}}}\n")[0]).toStartWith(
      "policy.yaml:2:19: kinds.video.types.stats: ",
    );
    expect(mistakesOf("guests: true\nguests: false\n")[0]).toStartWith("policy.yaml:2:1: ");
    expect(mistakesOf("kinds: [\n")[0]).toMatch(/^policy\.yaml:[0-9]+:[0-9]+: /);
    expect(mistakesOf("- a\n- b\n")[0]).toStartWith("policy.yaml:1:1: ");
    expect(mistakesOf("videos: all\nmessages: none\n")).toHaveLength(2);
  });

  test("what would open personal topics, or name none, is refused", () => {
    expect(mistakesOf("kinds:\n  member:\n    subscribe: anyone\n")[0]).toStartWith(
      "policy.yaml:2:3: kinds.member: ",
    );
    expect(
      mistakesOf("kinds:\n  member:\n    exceptions: [{ids: x, subscribe: members}]\n"),
    ).toHaveLength(1);
    expect(mistakesOf("kinds:\n  conversation: {subscribe: anyone}\n")).toHaveLength(1);
    const kept = parseConfiguration("kinds:\n  conversation: {retention: {days: 30}}\n", "p.yaml");
    expect(toPolicy(kept.kinds ?? {}).conversation).toMatchObject({
      internal: true,
      retention: { ageMsMax: 30 * 24 * 60 * 60_000 },
    });
    expect(mistakesOf("kinds:\n  'a b': {subscribe: anyone}\n")).toHaveLength(1);
    expect(mistakesOf("kinds:\n  new: {viewers: true}\n")[0]).toContain("who may subscribe");
    expect(mistakesOf("kinds:\n  video: {types: {x: {lane: durable, merge: sum}}}\n")).toHaveLength(
      1,
    );
    expect(mistakesOf("cors: ['https://example.org/']\n")).toHaveLength(1);
    expect(mistakesOf("trustedProxies: [proxy]\n")[0]).toStartWith(
      "policy.yaml:1:1: trustedProxies: ",
    );
  });

  test("an outside issuer needs an audience", () => {
    for (const tokens of [
      "jwksUrl: https://login.example/jwks",
      "publicKeys: [login.pem]",
      "issuer: https://login.example, publicKeys: [login.pem]",
    ]) {
      const [mistake = ""] = mistakesOf(`tokens: { ${tokens} }\n`);
      expect(mistake).toContain("tokens.audience: is required with jwksUrl or publicKeys");
      expect(mistakesOf(`tokens: { audience: ovation, ${tokens} }\n`)).toEqual([]);
    }
    expect(mistakesOf("tokens: { issuer: https://login.example }\n")).toEqual([]);
  });

  test("claims are mapped, or an issuer gives no roles", async () => {
    const path = write(`
tokens:
  roleClaim: app_metadata.role
  roleMap: { admin: host, editor: moderator }
  nameClaim: user_metadata.full_name
  tokenAgeMaxSeconds: 3600
`);
    expect((await readPolicyFile(path)).tokens).toEqual({
      tokenAgeMaxS: 3_600,
      mapping: {
        roleClaim: "app_metadata.role",
        roleMap: { admin: "host", editor: "moderator" },
        nameClaim: "user_metadata.full_name",
      },
    });
    expect((await readPolicyFile(write("tokens: { giveRoles: false }"))).tokens).toEqual({
      mapping: { givesRoles: false },
    });
    expect(mistakesOf("tokens: { roleMap: { admin: owner } }\n")[0]).toContain("roleMap.admin");
    expect(mistakesOf("tokens: { giveRoles: false, roleClaim: role }\n")[0]).toContain(
      "tokens.giveRoles: ",
    );
  });

  test("pages: whose links say who a reader is, and who may frame the embed", async () => {
    const pages = {
      tokenOrigins: ["https://www.example.org"],
      frameAncestors: ["https://www.example.org"],
    };
    expect((await readPolicyFile(write(JSON.stringify({ pages })))).pages).toEqual(pages);
    expect(mistakesOf("pages: { tokenOrigins: ['*'] }\n")[0]).toContain("pages.tokenOrigins.0");
    expect(mistakesOf("pages: { frameAncestors: ['https://a; x'] }\n")).toHaveLength(1);
  });

  test("FILE_CHARACTERS_MAX: a file has so many characters; a longer one is refused", async () => {
    const file = (characters: number) => write(`#${"x".repeat(characters - 1)}`);
    expect(await readPolicyFile(file(FILE_CHARACTERS_MAX))).toEqual({ policy: DEFAULT_POLICY });
    expect(readPolicyFile(file(FILE_CHARACTERS_MAX + 1))).rejects.toThrow(
      `longer than ${FILE_CHARACTERS_MAX} characters`,
    );
  });

  test("a file that cannot be read is said, with its name", () => {
    expect(readPolicyFile(join(directory, "none.yaml"))).rejects.toThrow(
      "none.yaml: cannot be read (ENOENT)",
    );
    expect(readPolicyFile(write("tokens: {audience: a, publicKeys: [none.pem]}"))).rejects.toThrow(
      "none.pem: cannot be read",
    );
  });
});

test("STAFF_LISTED_MAX ids of staff are read; one more, and what is no id, is a mistake", () => {
  const list = (count: number) =>
    `staff: [${Array.from({ length: count }, (_, index) => `m${index}`).join(", ")}]`;
  expect(parseConfiguration(list(STAFF_LISTED_MAX), "policy.yaml").staff).toHaveLength(
    STAFF_LISTED_MAX,
  );
  expect(mistakesOf(list(STAFF_LISTED_MAX + 1))).toHaveLength(1);
  expect(mistakesOf('staff: ["a b"]')[0]).toContain("a member's id");
});
