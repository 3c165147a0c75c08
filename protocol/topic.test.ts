import { expect, test } from "bun:test";
import { TOPIC_ID_CHARACTERS_MAX, TOPIC_KIND_CHARACTERS_MAX } from "./limits.ts";
import { idOf, kindOf, parseTopic, patternCovers, type Topic, topicOf } from "./topic.ts";

test("a topic is a kind and an id, split at the first colon", () => {
  const topic = parseTopic("video:a.b_c~d@e|f+g=h-1") as Topic;
  expect([kindOf(topic), idOf(topic)]).toEqual(["video", "a.b_c~d@e|f+g=h-1"]);
});

test("separators, control characters, wildcards and look-alikes make no topic", () => {
  const texts = ["", "video", ":1", "video:", "Video:1", "1video:1", "video:a:b", "video:*"];
  const others = ["video:a b", "video:a\n", "video:a\0", "vide\u043e:1", "video:\u0430", "video:/"];
  expect([...texts, ...others].filter((text) => parseTopic(text) !== undefined)).toEqual([]);
  expect(() => topicOf("video", "a b")).toThrow("not a topic");
});

test("TOPIC_KIND_CHARACTERS_MAX, TOPIC_ID_CHARACTERS_MAX: longer parts make no topic", () => {
  const topic = (kind: number, id: number) => parseTopic(`${"k".repeat(kind)}:${"i".repeat(id)}`);
  expect(topic(TOPIC_KIND_CHARACTERS_MAX, TOPIC_ID_CHARACTERS_MAX)).toBeDefined();
  expect(topic(TOPIC_KIND_CHARACTERS_MAX + 1, 1)).toBeUndefined();
  expect(topic(1, TOPIC_ID_CHARACTERS_MAX + 1)).toBeUndefined();
});

test("a pattern covers one topic, one kind or all topics; a prefix of an id is no pattern", () => {
  const topic = topicOf("video", "12");
  const patterns = ["*", "video:12", "video:*", "video:1", "video:1*", "vid:*", ":*", "v*", ""];
  expect(patterns.filter((pattern) => patternCovers(pattern, topic))).toEqual([
    "*",
    "video:12",
    "video:*",
  ]);
});
