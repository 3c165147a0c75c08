/**
 * The `data` of Ovation's own types, by kind of topic. One place: services write it, publishers are
 * held to it, pages rely on it. Other properties are allowed; the named ones have their form.
 * Imported by servers alone: `mod.ts` leaves it out, so that the SDK needs no schema library.
 */

import { z } from "zod";
import { kindOf, type Topic } from "../topic.ts";

const seq = z.int().min(1);
const count = z.int().min(0);
const person = z.looseObject({ id: z.string(), name: z.string() });
const known = z.looseObject({ id: z.string() });

/** `{"text","author":{"id","name","role"?,"avatar"?},"clientId"?,"replyTo"?,"removed"?}` */
export const commentData = z.looseObject({
  text: z.string(),
  author: z.looseObject({
    id: z.string(),
    name: z.string(),
    role: z.string().optional(),
    avatar: z.string().optional(),
  }),
  clientId: z.string().optional(),
  replyTo: seq.optional(),
  removed: z.literal(true).optional(),
});

/** By kind and type; any other type is the publisher's own. */
const SCHEMAS: Readonly<Record<string, Readonly<Record<string, z.ZodType>>>> = {
  video: {
    comment: commentData,
    "comment-removed": z.looseObject({ seq, reason: z.string().optional() }),
    "comment-edited": z.looseObject({ seq, text: z.string() }),
    pin: z.looseObject({ seq: seq.nullable() }),
    likes: z
      .object({ total: z.record(z.string(), z.number().min(0)).optional() })
      .catchall(z.number()),
    typing: z.looseObject({ from: z.union([z.string(), person]) }),
  },
  member: {
    message: z.looseObject({
      n: seq,
      from: person,
      to: known,
      text: z.string(),
      clientId: z.string().optional(),
    }),
    notification: z.looseObject({ kind: z.string() }),
    receipt: z.looseObject({ from: known, with: known, seen: count, delivered: count }),
    typing: z.looseObject({ from: z.union([z.string(), person]), forMs: count.optional() }),
    presence: z.looseObject({
      member: z.string(),
      online: z.boolean(),
      seenAt: z.number().optional(),
    }),
  },
};

/** The required form of this type's data on topics of this kind; `undefined` where it is free. */
export function dataSchemaOf(topic: Topic, type: string): z.ZodType | undefined {
  const kind = kindOf(topic);
  const types = Object.hasOwn(SCHEMAS, kind) ? SCHEMAS[kind] : undefined;
  return types !== undefined && Object.hasOwn(types, type) ? types[type] : undefined;
}

/** What is wrong with the data, in words; `undefined` where nothing is. */
export function problemOfData(schema: z.ZodType, data: unknown): string | undefined {
  const result = schema.safeParse(data);
  if (result.success) return undefined;
  const issue = result.error.issues[0];
  const path = ["data", ...(issue?.path ?? [])].map(String).join(".");
  return `${path}: ${issue?.message ?? "not of the expected form"}`;
}
