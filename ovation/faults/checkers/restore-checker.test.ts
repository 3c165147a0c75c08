import { expect, test } from "bun:test";
import { contentOf, type Entry, type LoggedEvent, type Viewer } from "../history/history.ts";
import { checkRestored } from "./restore-checker.ts";

const TOPIC = "video:a";
const RESTORED_AT = 1000;

const logged = (seq: number, life = "old"): LoggedEvent => ({
  seq,
  key: `${life}${seq}`,
  content: contentOf("goal", { id: `${life}${seq}` }),
});
const event = (seq: number, life: "old" | "new", at: number): Entry => ({
  kind: "event",
  topic: TOPIC,
  at,
  ...logged(seq, life),
});
const subscribed: Entry = { kind: "subscribed", topic: TOPIC, head: 0, at: 1 };
const reset = (head: number, at: number): Entry => ({ kind: "reset", topic: TOPIC, head, at });

/**
 * The backup ends at 2; the viewers may have had a third one, which is another after the restore.
 */
function judge(entries: readonly Entry[], form: Viewer["form"] = "sdk") {
  const kinds: string[] = [];
  const counts = checkRestored(
    {
      restoredAt: RESTORED_AT,
      backup: new Map([[TOPIC, 2]]),
      log: new Map([[TOPIC, [logged(1), logged(2), logged(3, "new"), logged(4, "new")]]]),
      viewers: [{ name: "v", form, topics: [TOPIC], entries, presentAtEnd: true }],
    },
    (kind) => kinds.push(kind),
  );
  return { kinds, ...counts };
}

const kept = [subscribed, event(1, "old", 10), event(2, "old", 20)];
const future = [...kept, event(3, "old", 30)];
const after = [event(3, "new", 2000), event(4, "new", 2100)];

test("a viewer of a lost future that receives a reset, and one without, are right", () => {
  expect(judge([...future, reset(2, 1500), ...after])).toEqual({
    kinds: [],
    lostFutures: 1,
    toldWithoutNeed: 0,
  });
  expect(judge([...kept, ...after]).kinds).toEqual([]);
  expect(judge([...kept, reset(2, 1500), ...after])).toMatchObject({
    kinds: [],
    toldWithoutNeed: 1,
  });
});

test("a viewer of a lost future that receives no reset is a violation, whatever follows", () => {
  expect(judge([...future, event(4, "new", 2100)]).kinds).toEqual(["recovered-untrue"]);
  expect(judge([...future, ...after], "plain").kinds).toEqual(["recovered-untrue"]);
  // A reset before the restore does not count.
  expect(judge([...future, reset(3, 900), event(4, "new", 2100)]).kinds).toEqual([
    "recovered-untrue",
  ]);
});

test("events after the restore are complete, in order and of the new epoch", () => {
  const start = [...future, reset(2, 1500)];
  expect(judge([...start, event(4, "new", 2100)]).kinds).toEqual(["lost"]);
  expect(judge([...start, event(3, "new", 2000)]).kinds).toEqual(["lost"]);
  expect(judge([...start, event(3, "old", 2000), event(4, "new", 2100)]).kinds).toEqual([
    "other-content",
  ]);
  expect(judge([...start, ...after, event(3, "new", 2200)]).kinds).toEqual(["duplicate"]);
  expect(judge([...start, ...after, event(3, "new", 2200)], "plain").kinds).toEqual([]);
});
