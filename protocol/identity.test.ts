import { expect, test } from "bun:test";
import { type Identity, isOwnTopic, mayModerate, mayPublish, roleIn } from "./identity.ts";
import { topicOf } from "./topic.ts";

const identity: Identity = {
  sub: "alice",
  name: "Alice",
  role: "moderator",
  videoRoles: { own: "host", other: "guest" },
  subscribe: [],
  publish: ["video:1", "room:*"],
};

test("a role in a video replaces the role on the site", () => {
  expect(["own", "other", "1", "constructor"].map((video) => roleIn(identity, video))).toEqual([
    "host",
    "guest",
    "moderator",
    "moderator",
  ]);
});

test("hosts and moderators of the video may moderate it", () => {
  expect(["own", "other", "1"].map((video) => mayModerate(identity, video))).toEqual([
    true,
    false,
    true,
  ]);
  expect(mayModerate({ ...identity, role: "member" }, "1")).toBe(false);
  expect(mayModerate(undefined, "1")).toBe(false);
});

test("a token publishes to the topics of its patterns only", () => {
  const topics = [topicOf("video", "1"), topicOf("video", "2"), topicOf("room", "2")];
  expect(topics.map((topic) => mayPublish(identity, topic))).toEqual([true, false, true]);
  expect(topics.some((topic) => mayPublish(undefined, topic))).toBe(false);
});

test("the own topic is member: with the own id", () => {
  const topics = [topicOf("member", "alice"), topicOf("member", "bob"), topicOf("video", "alice")];
  expect(topics.map((topic) => isOwnTopic(identity, topic))).toEqual([true, false, false]);
});
