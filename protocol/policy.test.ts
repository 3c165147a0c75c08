import { expect, test } from "bun:test";
import type { Identity } from "./identity.ts";
import {
  commentAudienceOf,
  DEFAULT_POLICY,
  type KindPolicy,
  maySubscribe,
  type Policy,
  policyOf,
  typePolicyOf,
} from "./policy.ts";
import { topicOf } from "./topic.ts";

const identity = (role: Identity["role"], subscribe: readonly string[] = []): Identity => ({
  sub: "alice",
  name: "Alice",
  role,
  videoRoles: {},
  subscribe,
  publish: [],
});
const video = DEFAULT_POLICY["video"] as KindPolicy;
const clients = [undefined, identity("guest"), identity("member"), identity("member", ["room:*"])];

test("each audience admits its clients; a pattern of the token admits beyond it", () => {
  const admitted = (subscribe: KindPolicy["subscribe"]) => {
    const policy: Policy = { room: { ...video, subscribe } };
    return clients.map((client) => maySubscribe(policy, client, topicOf("room", "1")));
  };
  expect(admitted("anyone")).toEqual([true, true, true, true]);
  expect(admitted("members")).toEqual([false, true, true, true]);
  expect(admitted("signed-in")).toEqual([false, false, true, true]);
  expect(admitted("own")).toEqual([false, false, false, true]);
  expect(admitted("token")).toEqual([false, false, false, true]);
});

test("a member may subscribe to its own topic, and to no other member's", () => {
  const topics = ["alice", "bob"].map((id) => topicOf("member", id));
  expect(topics.map((topic) => maySubscribe(DEFAULT_POLICY, identity("member"), topic))).toEqual([
    true,
    false,
  ]);
});

test("unknown and internal kinds admit no client, whatever its token says", () => {
  const all = identity("host", ["*"]);
  const topics = [topicOf("conversation", "alice"), topicOf("unknown", "1")];
  expect(topics.map((topic) => maySubscribe(DEFAULT_POLICY, all, topic))).toEqual([false, false]);
  // Properties of Object.prototype are no kinds and no types.
  expect(policyOf(DEFAULT_POLICY, topicOf("constructor", "1"))).toBeUndefined();
  expect(typePolicyOf(DEFAULT_POLICY, topicOf("video", "1"), "constructor")).toBe(
    video.defaultType,
  );
});

test("the first exception that matches an id counts", () => {
  const exceptions = [
    { ids: "board-1", comment: "everyone" },
    { ids: "board-*", subscribe: "token", comment: "staff" },
  ] as const;
  const policy: Policy = { video: { ...video, comment: "members", exceptions } };
  const topics = ["board-1", "board-2", "board", "1"].map((id) => topicOf("video", id));
  expect(topics.map((topic) => commentAudienceOf(policy, topic))).toEqual([
    "everyone",
    "staff",
    "members",
    "members",
  ]);
  expect(topics.map((topic) => maySubscribe(policy, undefined, topic))).toEqual([
    true,
    false,
    true,
    true,
  ]);
});
