/** Checks what a publisher sent: form, topic, type, size, data, and the rights of the token. */

import {
  EVENT_DATA_BYTES_MAX,
  IDEMPOTENCY_KEY_CHARACTERS_MAX,
  type Identity,
  type JsonText,
  type KindPolicy,
  mayPublish,
  type Policy,
  Problem,
  parseTopic,
  policyOf,
  problemOfType,
  type Topic,
  toJsonText,
  typePolicyIn,
  utf8Bytes,
} from "@ovation/protocol";
import { dataSchemaOf, problemOfData } from "@ovation/protocol/event-data";
import { z } from "zod";
import type { PublishedValue } from "./published-body.ts";

export interface AcceptedEvent {
  readonly topic: Topic;
  readonly type: string;
  readonly data: JsonText;
  readonly durable: boolean;
  /** The publisher's idempotency key. */
  readonly key: string | undefined;
}

/** Any text without control characters and lone surrogates: it is also written to log lines. */
const KEY = new RegExp(`^[^\\p{Cc}\\p{Cs}]{1,${IDEMPOTENCY_KEY_CHARACTERS_MAX}}$`, "u");

/** The form; its messages go to the publisher. */
const Published = z.strictObject({
  topic: z.string(),
  type: z.string(),
  data: z.unknown().optional(),
  durable: z.boolean().optional(),
  id: z
    .string()
    .regex(KEY, {
      error:
        `1 to ${IDEMPOTENCY_KEY_CHARACTERS_MAX} characters, none of them ` +
        "a control character or half of a surrogate pair",
    })
    .optional(),
});
type Published = z.infer<typeof Published>;

const PROPERTIES: ReadonlySet<string> = new Set(Object.keys(Published.shape));
const NULL = toJsonText(null);

interface PublishableTopic {
  readonly topic: Topic;
  readonly kind: KindPolicy;
  /** The last type that was checked on this topic. */
  checked: PublishableType | undefined;
}

interface PublishableType {
  readonly type: string;
  readonly isDurable: boolean;
  /** `undefined`: the data is the publisher's own. */
  readonly schema: z.ZodType | undefined;
}

/** All or nothing: throws the Problem of the first event that is refused. */
export function acceptEvents(
  values: readonly PublishedValue[],
  identity: Identity,
  policy: Policy,
): AcceptedEvent[] {
  const topics = new Map<string, PublishableTopic>();

  /** Large batches have few topics and types: each is checked once. */
  function topicOf(text: string, index: number): PublishableTopic {
    const known = topics.get(text);
    if (known !== undefined) return known;
    const topic = parseTopic(text);
    const kind = topic === undefined ? undefined : policyOf(policy, topic);
    if (topic === undefined || kind === undefined)
      throw new Problem("invalid-topic", `event ${index}: not a topic here`, { index });
    const found = { topic, kind, checked: undefined };
    topics.set(text, found);
    return found;
  }

  function typeOf(of: PublishableTopic, type: string, index: number): PublishableType {
    if (of.checked?.type === type) return of.checked;
    refuseWhere(problemOfType(type), index);
    if (!mayPublish(identity, of.topic))
      throw new Problem("forbidden", `the token may not publish to ${of.topic}`, { index });
    of.checked = {
      type,
      isDurable: typePolicyIn(of.kind, type).lane === "durable",
      schema: dataSchemaOf(of.topic, type),
    };
    return of.checked;
  }

  return values.map(({ value, data = NULL }, index) => {
    const published = isPublished(value) ? value : parsePublished(value, index);
    const { type } = published;
    const found = topicOf(published.topic, index);
    const { isDurable, schema } = typeOf(found, type, index);
    const { topic } = found;
    if (utf8Bytes(data, EVENT_DATA_BYTES_MAX) > EVENT_DATA_BYTES_MAX) {
      throw new Problem(
        "body-too-large",
        `event ${index}: data is at most ${EVENT_DATA_BYTES_MAX} bytes of JSON in UTF-8`,
        { index, bytesMax: EVENT_DATA_BYTES_MAX },
      );
    }
    if (schema !== undefined) refuseWhere(problemOfData(schema, published.data ?? null), index);
    return {
      topic,
      type,
      data,
      durable: published.durable ?? isDurable,
      key: published.id,
    };
  });
}

function refuseWhere(problem: string | undefined, index: number): void {
  if (problem !== undefined)
    throw new Problem("invalid-body", `event ${index}: ${problem}`, { index });
}

/**
 * Hot path: checks the properties beside `data` by hand. A schema that walks `data`, which came
 * from `JSON.parse`, took 1.6 of 4.1 µs per event of a batch (`publish.bench.ts`). The schema
 * decides on what this rejects, so this can only be too strict.
 */
function isPublished(value: unknown): value is Published {
  if (typeof value !== "object" || value === null) return false;
  const { topic, type, durable, id } = value as Record<string, unknown>;
  if (typeof topic !== "string" || typeof type !== "string") return false;
  if (durable !== undefined && typeof durable !== "boolean") return false;
  if (id !== undefined && (typeof id !== "string" || !KEY.test(id))) return false;
  for (const name in value) if (!PROPERTIES.has(name)) return false;
  return true;
}

function parsePublished(value: unknown, index: number): Published {
  const parsed = Published.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Problem(
    "invalid-body",
    `event ${index}: ${issue?.path.join(".") ?? ""} ` +
      (issue?.message ?? "has not the expected form"),
    { index },
  );
}
