/** Who may write first, and how much one address may write, type and acknowledge in all. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "@ovation/protocol";
import { MemorySharedStore } from "@ovation/table";
import { createRateLimiterOff } from "../rates/rate-limiter-off.ts";
import { createSharedRateLimiter } from "../rates/rate-limiter-shared.ts";
import { type Harness, startHarness } from "../testing/harness.ts";

const LIMITS = {
  messagesPerAddress: { burst: 6, perMs: 60_000 },
  typingPerAddress: { burst: 7, perMs: 60_000 },
  membersPerAddress: { burst: 8, perMs: 60_000 },
};

/** Two processes of one installation: limits are shared, as over Redis. */
let processes: readonly Harness[];
beforeAll(async () => {
  const shared = new MemorySharedStore(systemClock);
  const limiter = createSharedRateLimiter({
    shared,
    local: createRateLimiterOff(),
    onFailure(error) {
      throw error;
    },
  });
  const overrides = { limiter, rateRules: LIMITS };
  processes = [await startHarness({ overrides }), await startHarness({ overrides })];
});
afterAll(async () => {
  for (const each of processes) await each.close();
});

/** `count` requests, each of a new member, to both processes in turn; returns the accepted. */
async function flood(count: number, run: (harness: Harness, member: string) => Promise<number>) {
  const statuses: number[] = [];
  for (let index = 0; index < count; index++)
    statuses.push(await run(processes[index % 2] as Harness, `m${index}`));
  expect(new Set(statuses)).toEqual(new Set([statuses[0] as number, 429]));
  return statuses.filter((status) => status !== 429).length;
}

describe("one address, over all processes", () => {
  const from = "198.51.100.7";
  const send = async (harness: Harness, member: string, address = from) =>
    (await harness.call("POST", "/v1/members/rita/messages", member, { text: "hello" }, address))
      .status;

  test("messages of many members count for their address, and for no other one", async () => {
    expect(await flood(20, send)).toBe(6);
    for (const harness of processes) expect(await send(harness, "calm", "198.51.100.8")).toBe(201);
  });

  test("typing is the address's", async () => {
    const type = async (harness: Harness, member: string) =>
      (await harness.call("POST", "/v1/members/rita/typing", member, {}, from)).status;
    expect(await flood(20, type)).toBe(7);
  });

  test("receipts, blocks and inboxes are the address's", async () => {
    const address = "198.51.100.9";
    let turn = 0;
    const change = async (harness: Harness, member: string) => {
      const kind = turn++ % 3;
      if (kind === 0)
        return (await harness.call("PUT", "/v1/members/rita/block", member, {}, address)).status;
      if (kind === 1)
        return (await harness.call("PUT", "/v1/inbox", member, { open: true }, address)).status;
      const receipt = { seen: 1 };
      const path = "/v1/members/nowhere/receipts";
      const { status } = await harness.call("POST", path, member, receipt, address);
      return status === 404 ? 200 : status;
    };
    expect(await flood(20, change)).toBe(8);
  });
});

describe("who may write first", () => {
  let harness: Harness;
  beforeAll(async () => {
    const overrides = { limiter: createRateLimiterOff(), messages: "staff" } as const;
    harness = await startHarness({ overrides });
  });
  afterAll(() => harness.close());

  const write = async (from: string, to: string) => {
    const answer = await harness.call("POST", `/v1/members/${to}/messages`, from, { text: "x" });
    return answer.body.code ?? "sent";
  };

  test("guests write first to no host or moderator, and may answer one", async () => {
    await harness.call("POST", "/v1/videos/v/comments", "holly.host", { text: "hello" });
    await harness.comments.flush();
    expect(await write("gus.guest", "holly")).toBe("forbidden");
    expect((await harness.call("POST", "/v1/members/holly/typing", "gus.guest", {})).status).toBe(
      403,
    );
    expect(await write("holly.host", "gus")).toBe("sent");
    expect(await write("gus.guest", "holly")).toBe("sent");
    expect(await write("gil.guest", "holly")).toBe("forbidden");
  });

  test("a moderator who has only looked can be written to, at once", async () => {
    expect(await write("ana", "mo")).toBe("forbidden");
    expect((await harness.call("GET", "/v1/videos", "mo.moderator")).status).toBe(200);
    expect(await write("ana", "mo")).toBe("sent");
    await harness.comments.flush();
    expect(await write("ben", "mo")).toBe("sent");
    expect((await harness.call("GET", "/v1/conversations", "mi.moderator")).status).toBe(200);
    expect(await write("ana", "mi")).toBe("sent");
  });

  test("a recipient may answer at once", async () => {
    expect(await write("kim.moderator", "cleo")).toBe("sent");
    expect(await write("cleo", "kim")).toBe("sent");
  });

  test("a closed inbox takes nothing from those who were never written to", async () => {
    const put = (open: boolean) => harness.call("PUT", "/v1/inbox", "hal.host", { open });
    expect((await put(false)).body).toEqual<unknown>({ open: false });
    expect((await harness.call("GET", "/v1/inbox", "hal.host")).body).toEqual<unknown>({
      open: false,
    });
    expect(await write("dan", "hal")).toBe("forbidden");
    expect(await write("mo.moderator", "hal")).toBe("sent");
    expect(await write("hal.host", "dan")).toBe("sent");
    expect(await write("dan", "hal")).toBe("sent");
    expect(await write("eve", "hal")).toBe("forbidden");
    await put(true);
    expect(await write("eve", "hal")).toBe("sent");
    expect((await harness.call("PUT", "/v1/inbox", "hal.host", {})).status).toBe(400);
  });
});
