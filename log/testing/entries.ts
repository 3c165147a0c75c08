/** Log entries of tests: comments with a text, in one topic unless another is named. */

import { type Topic, toJsonText, topicOf } from "@ovation/protocol";
import type { Appended, Log, LogEntry } from "../log.ts";

export const TOPIC = topicOf("video", "1");

export function entry(text: string, topic: Topic = TOPIC): LogEntry {
  return { topic, type: "comment", at: 1, data: toJsonText({ text }) };
}

/** Appends one entry; its place in the log. */
export async function appendOne(log: Log, text: string): Promise<Appended["place"]> {
  const [appended] = await log.append([entry(text)]);
  if (appended === undefined) throw new Error("the log returned no place for the entry");
  return appended.place;
}
