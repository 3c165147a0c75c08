/** What one address may read, and what its guests may write, in all. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DEFAULT_RATE_RULES } from "../limits.ts";
import { type Harness, startHarness } from "../testing/harness.ts";
import { createRateLimiterOff } from "./rate-limiter-off.ts";

const HERE = "203.0.113.20";
const NOT_LIMITED = { burst: 1_000_000, perMs: 1_000 };

describe("reads of one address", () => {
  const rateRules = {
    ...DEFAULT_RATE_RULES,
    commentsPerMember: NOT_LIMITED,
    commentsPerAddress: NOT_LIMITED,
    readsPerAddress: { burst: 40, perMs: 600_000 },
  };
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness({ overrides: { rateRules } });
    for (let index = 0; index < 300; index++)
      await harness.call("POST", "/v1/videos/v/comments", "ana", { text: "👋".repeat(200) });
  }, 30_000);
  afterAll(() => harness.close());

  let addresses = 0;
  /** How many of `count` requests a new address is answered; at once, or one after the other. */
  async function countAnswered(path: string, token?: string, count = 0): Promise<number> {
    const address = `198.51.100.${++addresses}`;
    const ask = async () => {
      const { status, headers } = await harness.call("GET", path, token, undefined, address);
      if (status !== 429) return 1;
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
      return 0;
    };
    if (count === 0) {
      const answers = await Promise.all(Array.from({ length: 60 }, ask));
      return answers.reduce<number>((sum, each) => sum + each, 0);
    }
    let answered = 0;
    for (let index = 0; index < count; index++) answered += await ask();
    return answered;
  }

  test("every route that reads counts", async () => {
    for (const [path, token] of [
      ["/v1/videos", undefined],
      ["/v1/videos/v", undefined],
      ["/v1/videos/v/comments?limit=1", undefined],
      ["/v1/videos/nothing/comments", undefined],
      ["/v1/notifications", "ana"],
      ["/v1/conversations", "ana"],
      ["/v1/members/bob/messages", "ana"],
      ["/v1/members/bob/presence", "ana"],
      ["/v1/blocks", "ana"],
      ["/v1/inbox", "ana"],
    ] as const)
      expect([path, await countAnswered(path, token)]).toEqual([path, 40]);
  });

  test("a page costs by its rows and by its bytes, not by the request alone", async () => {
    // 500 rows are 10 units, and 300 long comments some 150,000 characters.
    expect(await countAnswered("/v1/videos/v/comments?limit=500")).toBe(4);
    // 50 rows are one unit, their 27,000 characters another that the next request pays.
    const answered = await countAnswered("/v1/videos/v/comments?limit=50", undefined, 30);
    expect(answered).toBeGreaterThan(15);
    expect(answered).toBeLessThan(22);
  }, 20_000);

  test("moderators, hosts and servers read without a limit", async () => {
    expect(await countAnswered("/v1/sanctions", "mo.moderator")).toBe(60);
    expect(await countAnswered("/v1/videos/v", "backend.member.video:*")).toBe(60);
  });
});

describe("guests of one address", () => {
  test("new names do not buy comments, and members of the address are not held to it", async () => {
    const harness = await startHarness();
    const post = async (token: string) =>
      (await harness.call("POST", "/v1/videos/v/comments", token, { text: "x" }, HERE)).status;
    const statuses: number[] = [];
    for (let index = 0; index < 100; index++) statuses.push(await post(`fresh${index}.guest`));
    const taken = statuses.filter((status) => status === 201).length;
    expect(taken).toBeGreaterThanOrEqual(DEFAULT_RATE_RULES.guestCommentsPerAddress.burst);
    expect(taken).toBeLessThan(DEFAULT_RATE_RULES.guestCommentsPerAddress.burst + 10);
    for (let index = 0; index < 100; index++) expect(await post(`member${index}`)).toBe(201);
    await harness.close();
  });

  test("limits off are off", async () => {
    const harness = await startHarness({ overrides: { limiter: createRateLimiterOff() } });
    for (let index = 0; index < 100; index++)
      expect(
        (await harness.call("POST", "/v1/videos/v/comments", `f${index}.guest`, { text: "x" }))
          .status,
      ).toBe(201);
    await harness.close();
  });
});
