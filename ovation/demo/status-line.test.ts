import { describe, expect, test } from "bun:test";
import type { Clock } from "@ovation/protocol";
import { settle } from "../../testing/manual-clock.ts";
import { formatBanner, wantsColours } from "./banner.ts";
import { formatStatus, type StatusSample, startStatusLine } from "./status-line.ts";

const sample = (changes: Partial<StatusSample> = {}): StatusSample => ({
  viewers: 40,
  connections: 43,
  comments: 100,
  likes: 1000,
  deliveries: 50_000,
  memoryBytes: 84_400_000,
  ...changes,
});

/** A clock that moves when it is told. */
function manualClock(): Clock & { advance(ms: number): Promise<void> } {
  let now = 0;
  const due: { at: number; run: () => void }[] = [];
  return {
    now: () => now,
    after(ms, run) {
      const entry = { at: now + ms, run };
      due.push(entry);
      return () => void due.splice(due.indexOf(entry), due.includes(entry) ? 1 : 0);
    },
    async advance(ms) {
      for (const end = now + ms; now < end; ) {
        now += 100;
        for (const entry of due.filter((each) => each.at <= now)) {
          due.splice(due.indexOf(entry), 1);
          entry.run();
        }
        await settle();
      }
    },
  };
}

function collect(isTTY: boolean) {
  const written: string[] = [];
  return {
    written,
    output: { isTTY, columns: 120, write: (text: string) => written.push(text) > 0 },
  };
}

describe("the status line", () => {
  test("turns totals into rates", () => {
    const text = formatStatus(
      sample(),
      sample({ comments: 106, likes: 1025, deliveries: 112_000 }),
      5000,
      false,
    );
    expect(text).toBe(
      "● 40 viewers · 43 connections · 1.2 comments/s · 5 likes/s · 12,400 deliveries/s · 84 MB",
    );
  });

  test("is one line that is written over on a terminal", async () => {
    const clock = manualClock();
    const { written, output } = collect(true);
    const line = startStatusLine({ read: () => sample(), output, clock, colours: false });
    await clock.advance(4000);
    line.say("a message");
    line.stop();
    expect(written.filter((text) => text.startsWith("●")).length).toBeGreaterThanOrEqual(2);
    expect(written).toContain("\r\x1b[K");
    expect(written).toContain("a message\n");
    const count = written.length;
    await clock.advance(3000);
    expect(written).toHaveLength(count);
  });

  test("elsewhere is a line every ten seconds, or nothing", async () => {
    const clock = manualClock();
    const loud = collect(false);
    const quiet = collect(false);
    const lines = [
      startStatusLine({ read: () => sample(), output: loud.output, clock, colours: true }),
      startStatusLine({
        read: () => sample(),
        output: quiet.output,
        clock,
        colours: true,
        quietElsewhere: true,
      }),
    ];
    await clock.advance(25_000);
    for (const line of lines) line.stop();
    expect(loud.written.length).toBeWithin(2, 4);
    expect(loud.written.join("")).not.toContain("\x1b");
    expect(quiet.written).toEqual([]);
  });
});

describe("the banner", () => {
  const options = {
    version: "0.1.0",
    url: "http://localhost:8080",
    demoVideo: "demo",
    dataDirectory: "./data",
  };

  test("says what to open, without a colour where none is wanted", () => {
    const text = formatBanner({
      ...options,
      colours: false,
      pages: [{ label: "Studio", path: "/studio/demo" }],
    });
    expect(text).toContain("http://localhost:8080/watch/demo");
    expect(text).toContain("http://localhost:8080/studio/demo");
    expect(text).toContain("curl -N 'http://localhost:8080/v1/events?topic=video:demo'");
    expect(text).not.toContain("\x1b");
    expect(formatBanner({ ...options, colours: true })).toContain("\x1b[");
  });

  test("NO_COLOR, FORCE_COLOR and the terminal decide about colours", () => {
    expect(wantsColours({ isTTY: true }, {})).toBe(true);
    expect(wantsColours({ isTTY: true }, { NO_COLOR: "1" })).toBe(false);
    expect(wantsColours({ isTTY: true }, { TERM: "dumb" })).toBe(false);
    expect(wantsColours({ isTTY: false }, {})).toBe(false);
    expect(wantsColours({ isTTY: false }, { FORCE_COLOR: "1" })).toBe(true);
  });
});
