/** What a publisher sent, checked: form, topic, type, size, and whether the token may. */

import {
  EVENT_DATA_BYTES_MAX,
  IDEMPOTENCY_KEY_CHARACTERS_MAX,
  type Identity,
  isEventType,
  type JsonText,
  type KindPolicy,
  mayPublish,
  type Policy,
  Problem,
  parseTopic,
  policyOf,
  type Topic,
  toJsonText,
  typePolicyIn,
} from "@ovation/protocol";
import { z } from "zod";

export interface AcceptedEvent {
  readonly topic: Topic;
  readonly type: string;
  readonly data: JsonText;
  readonly durable: boolean;
  /** The publisher's idempotency key. */
  readonly key: string | undefined;
}

/** The form, and the words in which a publisher is told what is wrong with it. */
const Published = z.strictObject({
  topic: z.string(),
  type: z.string(),
  data: z.json().optional(),
  durable: z.boolean().optional(),
  id: z.string().min(1).max(IDEMPOTENCY_KEY_CHARACTERS_MAX).optional(),
});
type Published = z.infer<typeof Published>;

const MEMBERS: ReadonlySet<string> = new Set(Object.keys(Published.shape));
const NULL = toJsonText(null);

interface PublishableTopic {
  readonly topic: Topic;
  readonly kind: KindPolicy;
}

/** `values` as `JSON.parse` gave them. All or nothing: throws the Problem of the first that is not in order. */
export function acceptEvents(
  values: readonly unknown[],
  identity: Identity,
  policy: Policy,
): AcceptedEvent[] {
  const topics = new Map<string, PublishableTopic>();

  /** Busy batches are of few topics: each is checked once. */
  function topicOf(text: string, index: number): PublishableTopic {
    const known = topics.get(text);
    if (known !== undefined) return known;
    const topic = parseTopic(text);
    const kind = topic === undefined ? undefined : policyOf(policy, topic);
    if (topic === undefined || kind === undefined || kind.internal === true)
      throw new Problem("invalid-topic", `event ${index}: not a topic here`, { index });
    const found = { topic, kind };
    topics.set(text, found);
    return found;
  }

  return values.map((value, index) => {
    const published = isPublished(value) ? value : parsePublished(value, index);
    const data = dataOf(value, published, index);
    const { topic, kind } = topicOf(published.topic, index);
    const { type } = published;
    if (!isEventType(type)) {
      throw new Problem(
        "invalid-body",
        `event ${index}: a type is lower-case letters, digits, '.', '_' and '-', and none of the system's own`,
        { index },
      );
    }
    if (!mayPublish(identity, topic))
      throw new Problem("forbidden", `the token may not publish to ${topic}`, { index });
    if (data.length > EVENT_DATA_BYTES_MAX) {
      throw new Problem(
        "body-too-large",
        `event ${index}: data is at most ${EVENT_DATA_BYTES_MAX} bytes of JSON`,
        { index },
      );
    }
    return {
      topic,
      type,
      data,
      durable: published.durable ?? typePolicyIn(kind, type).lane === "durable",
      key: published.id,
    };
  });
}

/**
 * Hot path: the members beside `data`, by hand. `data` came from `JSON.parse` and is JSON by construction; a
 * schema that walks over it was 1.6 of 4.1 µs per event of a batch (`publish.bench.ts`). What this refuses the schema
 * judges, so that it can only be too strict.
 */
function isPublished(value: unknown): value is Published {
  if (typeof value !== "object" || value === null) return false;
  const { topic, type, durable, id } = value as Record<string, unknown>;
  if (typeof topic !== "string" || typeof type !== "string") return false;
  if (durable !== undefined && typeof durable !== "boolean") return false;
  if (
    id !== undefined &&
    (typeof id !== "string" || id.length === 0 || id.length > IDEMPOTENCY_KEY_CHARACTERS_MAX)
  )
    return false;
  for (const member in value) if (!MEMBERS.has(member)) return false;
  return true;
}

/**
 * `data` as text. Two things that `JSON.parse` gives do not come back from `JSON.stringify` as they were meant: a
 * number beyond all bounds (`1e999`) is written as `null`, and a member `__proto__` is nothing that
 * anybody should be sent. The schema refuses the one and leaves the other out.
 */
function dataOf(value: unknown, { data }: Published, index: number): JsonText {
  if (data === undefined || data === null) return NULL;
  const text = toJsonText(data);
  if (!text.includes("null") && !text.includes("__proto__")) return text;
  return toJsonText(parsePublished(value, index).data);
}

function parsePublished(value: unknown, index: number): Published {
  let parsed: z.ZodSafeParseResult<Published>;
  try {
    parsed = Published.safeParse(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Problem("invalid-body", `event ${index}: data is nested too deeply`, { index });
  }
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Problem(
    "invalid-body",
    `event ${index}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? "has not the expected form"}`,
    {
      index,
    },
  );
}
