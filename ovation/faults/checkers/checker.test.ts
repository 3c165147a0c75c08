import { describe, expect, test } from "bun:test";
import { contentOf, type Entry } from "../history/history.ts";
import { check } from "./checker.ts";
import {
  durable,
  goal,
  historyOf,
  indexOf,
  live,
  planted,
  publish,
  replace,
  TOPIC,
  take,
  type Whole,
  wholeHistory,
} from "./testing/whole-history.ts";

test("a history that keeps every promise has no violation, and everything is counted", () => {
  const verdict = check(historyOf(wholeHistory()));
  expect(verdict.violations).toEqual([]);
  expect(verdict.durable).toEqual({ stored: 5, acknowledged: 5, delivered: 10, repeated: 0 });
  expect(verdict.live).toMatchObject({ published: 5, delivered: 10, away: 0, lostInFaults: 0 });
});

describe("what is planted in the durable lane is caught", () => {
  test("a loss in the middle", () => {
    for (const form of ["sdk", "plain"] as const)
      expect(planted((whole) => void take(whole[form], durable(3)))).toEqual(["lost"]);
  });

  test("a loss at the end, which no later number betrays", () => {
    for (const form of ["sdk", "plain"] as const)
      expect(planted((whole) => void take(whole[form], durable(5)))).toEqual(["lost"]);
  });

  test("a viewer that was never subscribed", () => {
    expect(planted((whole) => void whole.sdk.splice(0))).toContain("lost");
  });

  test("two numbers in the wrong order", () => {
    expect(
      planted(
        (whole) =>
          void whole.sdk.splice(
            indexOf(whole.sdk, durable(4)),
            0,
            take(whole.sdk, durable(3)),
            durable(3),
          ),
      ),
    ).toContain("duplicate");
    const swapped = planted((whole) => {
      const moved = take(whole.sdk, durable(2));
      whole.sdk.splice(indexOf(whole.sdk, durable(3)) + 1, 0, moved);
    });
    expect(swapped).toEqual(["duplicate", "lost"]);
  });

  test("an event that is not in the log", () => {
    expect(planted((whole) => void whole.sdk.push(durable(6)))).toEqual(["phantom"]);
  });

  test("an event of before the subscription", () => {
    expect(planted((whole) => void whole.sdk.unshift(durable(1)))).toContain("phantom");
  });

  test("other content at the same number", () => {
    expect(
      planted((whole) => replace(whole.sdk, indexOf(whole.sdk, durable(3)), durable(3, "d4"))),
    ).toEqual(["other-content"]);
  });

  test("a comment whose text was taken out later is no other content", () => {
    const verdict = planted((whole) => {
      whole.log[2] = {
        seq: 3,
        key: undefined,
        content: contentOf("comment", { text: "", removed: true }),
      };
    });
    expect(verdict).toEqual([]);
  });

  test("an acknowledged event that the log does not have", () => {
    expect(
      planted(
        (whole) =>
          void whole.publishes.push(publish("durable", "d6", 6, { kind: "acknowledged", seq: 6 })),
      ),
    ).toEqual(["acknowledged-not-stored"]);
  });

  test("an acknowledgement with another's number", () => {
    const kinds = planted((whole) => {
      whole.publishes[2] = publish("durable", "d2", 2, { kind: "acknowledged", seq: 1 });
    });
    expect(kinds).toEqual(["acknowledged-elsewhere", "acknowledged-same-place"]);
  });

  test("a retry that was stored twice", () => {
    expect(
      planted((whole) => {
        whole.log.push({ seq: 6, ...goal("d5") });
        for (const list of [whole.sdk, whole.plain]) list.push(durable(6, "d5"));
      }),
    ).toContain("stored-twice");
  });

  test("a hole in the log", () => {
    expect(planted((whole) => void whole.log.splice(2, 1))).toContain("log-hole");
  });

  test("an event in the log that was refused, or never published", () => {
    expect(
      planted((whole) =>
        replace(
          whole.publishes,
          0,
          publish("durable", "d1", 1, { kind: "refused", code: "log-full" }),
        ),
      ),
    ).toEqual(["not-published"]);
    expect(planted((whole) => void whole.publishes.splice(0, 1))).toEqual(["not-published"]);
  });

  test("an event without a response may be stored or not", () => {
    expect(
      planted((whole) =>
        replace(whole.publishes, 0, publish("durable", "d1", 1, { kind: "unknown" })),
      ),
    ).toEqual([]);
    expect(
      planted(
        (whole) => void whole.publishes.push(publish("durable", "d6", 6, { kind: "unknown" })),
      ),
    ).toEqual([]);
  });

  test("a reset", () => {
    expect(
      planted((whole) => void whole.sdk.push({ kind: "reset", topic: TOPIC, head: 5, at: 6000 })),
    ).toEqual(["reset"]);
  });

  test("a subscription that begins after what was sent later", () => {
    const kinds = planted((whole) => {
      whole.sdk = [
        { kind: "connected", at: 0 },
        { kind: "subscribed", topic: TOPIC, head: 5, at: 500 },
      ];
      whole.publishes = whole.publishes.filter(({ lane }) => lane === "durable");
      whole.plain = whole.plain.filter(
        (entry) => entry.kind !== "event" || entry.seq !== undefined,
      );
    });
    expect(kinds).toEqual(["subscribed-late"]);
  });

  test("nothing is owed to a viewer that left", () => {
    expect(
      planted((whole) => {
        whole.presentAtEnd = false;
        take(whole.sdk, durable(5));
      }),
    ).toEqual([]);
  });
});

describe("what is planted in the live lane is caught", () => {
  test("a loss while nothing was broken", () => {
    expect(planted((whole) => void take(whole.sdk, live(3)))).toEqual(["live-lost"]);
  });

  test("a loss around a fault, while away, or announced, is counted", () => {
    const during = wholeHistory();
    take(during.sdk, live(3));
    during.faults.push({ from: 2500, to: 3500 });
    expect(check(historyOf(during))).toMatchObject({ violations: [], live: { lostInFaults: 1 } });

    const away = wholeHistory();
    const place = indexOf(away.sdk, live(3));
    away.sdk.splice(place, 1, { kind: "disconnected", at: 2900 }, { kind: "connected", at: 3500 });
    expect(check(historyOf(away))).toMatchObject({ violations: [], live: { lostInFaults: 0 } });

    const told = wholeHistory();
    told.sdk[indexOf(told.sdk, live(3))] = { kind: "gap", topic: TOPIC, lost: 1, at: 3100 };
    expect(check(historyOf(told))).toMatchObject({ violations: [], live: { announced: 1 } });
  });

  test("an event that comes twice, whatever was broken, on one connection or on two", () => {
    for (const form of ["sdk", "plain"] as const) {
      const twice = (...between: readonly Entry[]) =>
        planted((whole) => {
          whole.faults.push({ from: 0, to: 9000 });
          whole[form].push(...between, live(5));
        });
      expect(twice()).toEqual(["live-duplicate"]);
      expect(
        twice({ kind: "disconnected", at: 5025 }, { kind: "connected", at: 5030, frontend: "f2" }),
      ).toEqual(["live-duplicate"]);
    }
  });

  test("two of a publisher's events in the wrong order", () => {
    const swap = (whole: Whole) => {
      const moved = take(whole.sdk, live(2));
      whole.sdk.splice(indexOf(whole.sdk, live(3)) + 1, 0, moved);
    };
    expect(planted(swap)).toEqual(["live-disorder"]);
    expect(
      planted((whole) => {
        swap(whole);
        whole.faults.push({ from: 1900, to: 2100 });
      }),
    ).toEqual([]);
  });

  test("an event that was never published", () => {
    expect(planted((whole) => void whole.sdk.push({ ...live(7), at: 7000 } as Entry))).toEqual([
      "live-phantom",
    ]);
  });
});
