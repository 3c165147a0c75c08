/**
 * A topic is `kind:id`. The kind decides the policy (who may subscribe, which lane); the id names
 * one video, one member, one conversation. ASCII only: look-alikes, separators, control characters
 * and wildcards are not topics, so no later check has to consider them.
 */

import { TOPIC_ID_CHARACTERS_MAX, TOPIC_KIND_CHARACTERS_MAX } from "./limits.ts";

declare const topicBrand: unique symbol;
/** A valid topic, for example `video:42`. Only {@link parseTopic} and {@link topicOf} make one. */
export type Topic = string & { readonly [topicBrand]: true };

const KIND = new RegExp(`^[a-z][a-z0-9-]{0,${TOPIC_KIND_CHARACTERS_MAX - 1}}$`);
const ID = new RegExp(`^[A-Za-z0-9._~@|+=-]{1,${TOPIC_ID_CHARACTERS_MAX}}$`);

/** Whether `text` may stand after the colon: a video id, a member id. */
export function isTopicId(text: string): boolean {
  return ID.test(text);
}

/** Whether `text` may stand before the colon. */
export function isTopicKind(text: string): boolean {
  return KIND.test(text);
}

/** The topic that `text` names, or `undefined` where it is none. */
export function parseTopic(text: string): Topic | undefined {
  const colon = text.indexOf(":");
  if (colon < 1) return undefined;
  if (!isTopicKind(text.slice(0, colon)) || !isTopicId(text.slice(colon + 1))) return undefined;
  return text as Topic;
}

/** `kind:id` from parts that are known to be valid; throws where they are not. */
export function topicOf(kind: string, id: string): Topic {
  const topic = parseTopic(`${kind}:${id}`);
  if (topic === undefined) throw new Error(`not a topic: ${JSON.stringify(`${kind}:${id}`)}`);
  return topic;
}

/** The part before the colon. */
export function kindOf(topic: Topic): string {
  return topic.slice(0, topic.indexOf(":"));
}

/** The part after the colon. */
export function idOf(topic: Topic): string {
  return topic.slice(topic.indexOf(":") + 1);
}

/**
 * Whether a pattern of a token or of the configuration covers the topic: the topic itself, or
 * `kind:*` for every topic of a kind, or `*` for every topic. There is no other wildcard.
 */
export function patternCovers(pattern: string, topic: Topic): boolean {
  if (pattern === "*" || pattern === topic) return true;
  return pattern.endsWith(":*") && pattern.length > 2 && pattern.slice(0, -2) === kindOf(topic);
}
