import { expect, test } from "bun:test";
import { html, nothing, type TemplateResult } from "lit/html.js";
import { MESSAGE_CODE_POINTS_MAX as STORED_MAX } from "../../comments/limits.ts";
import { renderBadge } from "./describe.ts";
import {
  BADGE_MAX,
  LOCAL_MAX,
  MESSAGE_CODE_POINTS_MAX,
  MESSAGES_KEPT_MAX,
  NOTICES_MAX,
  TIMER_MS_MAX,
  TOASTS_MAX,
} from "./limits.ts";
import { Notices, untilEnd } from "./notices.ts";
import { Thread } from "./thread.ts";
import { charactersLeft } from "./thread-view.ts";
import { Toasts } from "./toasts.ts";
import { createWords } from "./words.ts";

const from = { id: "ben", name: "Ben", role: "member" } as const;

test("beyond MESSAGES_KEPT_MAX the oldest messages go, and can be loaded again", () => {
  const thread = new Thread("ben");
  for (let n = 1; n <= MESSAGES_KEPT_MAX + 2; n++)
    thread.add({ n, at: n, from, to: { id: "me" }, text: "" });
  expect(thread.bubbles).toHaveLength(MESSAGES_KEPT_MAX);
  expect([thread.first, thread.hasEarlier]).toEqual([3, true]);
});

test("beyond LOCAL_MAX pending messages the oldest is dropped", () => {
  const thread = new Thread("ben");
  for (let number = 0; number <= LOCAL_MAX; number++)
    thread.startLocal(`key-${number}`, "text", number);
  expect(thread.bubbles.map(({ key }) => key)).toHaveLength(LOCAL_MAX);
  expect(thread.bubbles[0]?.key).toBe("key-1");
});

test("beyond NOTICES_MAX the oldest notifications go", () => {
  const notices = new Notices();
  for (let seq = 1; seq <= NOTICES_MAX + 2; seq++)
    notices.add({ seq, at: seq, data: { kind: "restored" } });
  expect(notices.list).toHaveLength(NOTICES_MAX);
  expect(notices.list.at(-1)?.seq).toBe(3);
});

test("beyond TOASTS_MAX the oldest line goes", () => {
  const toasts = new Toasts(() => {});
  for (let number = 0; number <= TOASTS_MAX; number++)
    toasts.add({ key: `key-${number}`, title: "", detail: "", picture: html`${nothing}` });
  expect(toasts.list.map(({ key }) => key)).toHaveLength(TOASTS_MAX);
  expect(toasts.list[0]?.key).toBe("key-1");
  toasts.clear();
});

test("BADGE_MAX: the badge says so much, and a plus sign beyond", () => {
  const shown = (count: number) => {
    const badge = renderBadge(createWords("en"), count);
    return badge === nothing ? "" : (badge as TemplateResult).values[0];
  };
  expect([shown(0), shown(BADGE_MAX), shown(BADGE_MAX + 1)]).toEqual(["", "99", "99+"]);
});

test("MESSAGE_CODE_POINTS_MAX: so much may be written, as the server has it", () => {
  expect(charactersLeft(` ${"👍".repeat(MESSAGE_CODE_POINTS_MAX)} `)).toBe(0);
  expect(charactersLeft("👍".repeat(MESSAGE_CODE_POINTS_MAX + 1))).toBe(-1);
  expect(MESSAGE_CODE_POINTS_MAX).toBe(STORED_MAX);
});

test("TIMER_MS_MAX: a longer sanction is waited for in parts", () => {
  const wait = (ms: number) => untilEnd({ kind: "timed-out", until: 1000 + ms }, 1000);
  expect(wait(60_000)).toBe(60_050);
  expect(wait(10 * TIMER_MS_MAX)).toBe(TIMER_MS_MAX);
});
