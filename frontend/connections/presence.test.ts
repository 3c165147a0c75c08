import { expect, test } from "bun:test";
import type { Identity } from "@ovation/protocol";
import { createManualClock } from "../../testing/manual-clock.ts";
import { PRESENCE_MS, PRESENT_MEMBERS_MAX } from "../limits.ts";
import { ModelUpstream } from "../testing/model-upstream.ts";
import { Presence } from "./presence.ts";

test("PRESENT_MEMBERS_MAX: so many members are reported; one more in the next round", async () => {
  const clock = createManualClock();
  const upstream = new ModelUpstream();
  const said: number[] = [];
  const last: (string | undefined)[] = [];
  upstream.present = async (members) => {
    said.push(members.length);
    last.push(members.at(-1));
  };
  const member = (index: number) => ({ sub: `m${index}`, role: "member" }) as unknown as Identity;
  const presence = new Presence({
    clock,
    upstream,
    soon: (run) => void clock.after(0, run),
    identities: () => [member(PRESENT_MEMBERS_MAX)],
    onFailure: (_, error) => {
      throw error;
    },
  });
  presence.start();
  for (let index = 0; index <= PRESENT_MEMBERS_MAX; index++) presence.came(member(index));
  await clock.advance(1);
  expect([said, last]).toEqual([[PRESENT_MEMBERS_MAX], [`m${PRESENT_MEMBERS_MAX - 1}`]]);
  await clock.advance(PRESENCE_MS);
  expect([said[1], last[1]]).toEqual([1, `m${PRESENT_MEMBERS_MAX}`]);
  presence.stop();
});
