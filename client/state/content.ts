/** The content of a message of the stream: a type, and an object. */

import type { Message } from "@ovation/protocol";

export type Fields = Readonly<Record<string, unknown>>;

export interface Content {
  readonly type: string;
  readonly fields: Fields;
}

/** Undefined where `data` is no object, which no server of ours sends. */
export function readContent({ type: name, data }: Message): Content | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (typeof fields !== "object" || fields === null) return undefined;
  const { type } = fields as Fields;
  // With `events=message` the type is inside; an earlier server names its events.
  return { type: typeof type === "string" ? type : name, fields: fields as Fields };
}
