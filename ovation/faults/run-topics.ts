/** The topics of a run. */

import { type Topic, topicOf } from "@ovation/protocol";

export const TOPICS: readonly Topic[] = ["one", "two", "three"].map((id) => topicOf("video", id));
/** A known number of viewers subscribes to it, and stays. */
export const COUNTED_TOPIC = topicOf("video", "counted");
export const LIKED_TOPICS: readonly Topic[] = [...TOPICS.slice(0, 2), COUNTED_TOPIC];
export const MEMBER = "ana";
export const MEMBER_TOPIC = topicOf("member", MEMBER);
