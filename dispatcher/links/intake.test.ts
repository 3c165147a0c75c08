/** What happens at the bounds of a frontend's end of links. */

import { expect, test } from "bun:test";
import type { Event } from "@ovation/protocol";
import { createManualClock } from "../../testing/manual-clock.ts";
import { createRefusals } from "../internal/route.ts";
import { type LinkEnd, LinkIntake } from "./intake.ts";
import { LINK_MESSAGE_EVENTS_MAX, LINKS_MAX } from "./limits.ts";

function open() {
  const received: Event[] = [];
  const refusals = createRefusals();
  const clock = createManualClock(0);
  const inbox = { dispatch: (events: readonly Event[]) => void received.push(...events) };
  const intake = new LinkIntake({ inbox, refusals, clock });
  const closes: number[] = [];
  function link(from: string): LinkEnd {
    const end: LinkEnd = {
      data: intake.admit(from),
      send: () => undefined,
      ping: () => undefined,
      close: (code) => void closes.push(code),
    };
    intake.opened(end);
    return end;
  }
  return { intake, refusals, received, closes, link };
}

test("LINKS_MAX: one more dispatcher is told to come again", () => {
  const { intake, link } = open();
  for (let index = 0; index < LINKS_MAX; index++) link(`dispatcher ${index}`);
  expect(() => intake.admit("dispatcher x")).toThrow("too many links");
  expect(intake.stats().open).toBe(LINKS_MAX);
});

test("LINK_MESSAGE_EVENTS_MAX: a batch of more is not taken, and ends the link", () => {
  const { intake, refusals, received, closes, link } = open();
  const end = link("dispatcher one");
  const batch = (events: number) => "video:1 goal 1\n{}\n".repeat(events);
  intake.message(end, batch(LINK_MESSAGE_EVENTS_MAX));
  expect([received.length, closes.length]).toEqual([LINK_MESSAGE_EVENTS_MAX, 0]);
  intake.message(end, batch(LINK_MESSAGE_EVENTS_MAX + 1));
  expect([received.length, closes, refusals.malformed]).toEqual([
    LINK_MESSAGE_EVENTS_MAX,
    [1007],
    1,
  ]);
});
