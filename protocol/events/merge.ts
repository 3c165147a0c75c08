/**
 * Merging: two pending events of one topic and type become one. The same function runs in the
 * comments service, the dispatcher, the forward link and the frontend, so it does not matter at
 * which hop two likes meet.
 */

import { type Policy, type TypePolicy, typePolicyOf } from "../policy.ts";
import { type Event, type Json, toJsonText } from "./event.ts";

/** The policy of a live event's type, where events of that type merge. */
export type MergeRules = (event: Event) => TypePolicy | undefined;

/**
 * Hot path: called for every event by every buffer it enters. Most types never merge, which the
 * name alone tells; looking up the policy of a type takes 0.1 µs, six times per event in one
 * dispatcher.
 */
export function createMergeRules(policy: Policy): MergeRules {
  const kinds = Object.values(policy);
  const names = new Set(
    kinds.flatMap(({ types }) =>
      Object.keys(types).filter((name) => types[name]?.merge !== undefined),
    ),
  );
  const unnamed = kinds.some(({ defaultType }) => defaultType.merge !== undefined);
  return (event) => {
    if (event.place !== undefined || !(unnamed || names.has(event.type))) return undefined;
    const type = typePolicyOf(policy, event.topic, event.type);
    return type.merge === undefined ? undefined : type;
  };
}

/** Events with the same key merge; `undefined` where the type does not merge. */
export function mergeKeyOf(event: Event, policy: TypePolicy): string | undefined {
  if (policy.merge === undefined || event.place !== undefined) return undefined;
  if (policy.merge === "sum" || policy.per === undefined) return event.type;
  const data = JSON.parse(event.data) as Json;
  const per = isObject(data) ? data[policy.per] : undefined;
  return `${event.type} ${typeof per === "string" ? per : JSON.stringify(per ?? null)}`;
}

/** `earlier` and `later` as one event. Both have the same merge key. */
export function mergeEvents(earlier: Event, later: Event, policy: TypePolicy): Event {
  if (policy.merge !== "sum") return later;
  const sum = addNumbers(JSON.parse(earlier.data) as Json, JSON.parse(later.data) as Json);
  return { ...later, data: toJsonText(sum) };
}

/**
 * `event` with no `total` below that of `earlier`, which was written before it: an event from
 * another data centre may have been counted before one from nearby.
 */
export function raiseTotals(earlier: Event, event: Event): Event {
  const before = totalOf(earlier);
  const data = JSON.parse(event.data) as Json;
  if (before === undefined || !isObject(data) || data["total"] === undefined) return event;
  const total = largerNumbers(before, data["total"]);
  if (JSON.stringify(total) === JSON.stringify(data["total"])) return event;
  return { ...event, data: toJsonText({ ...data, total }) };
}

function totalOf({ data }: Event): Json | undefined {
  const value = JSON.parse(data) as Json;
  return isObject(value) ? value["total"] : undefined;
}

/**
 * Numbers add up, property by property. Below `total` the larger is kept: totals only grow, and the
 * later event is not always the one that was counted later.
 */
function addNumbers(earlier: Json | undefined, later: Json | undefined): Json {
  if (typeof earlier === "number" && typeof later === "number") return earlier + later;
  if (!isObject(earlier) || !isObject(later)) return later ?? earlier ?? null;
  const sum: Record<string, Json> = {};
  for (const key of new Set([...Object.keys(earlier), ...Object.keys(later)])) {
    sum[key] =
      key === "total"
        ? largerNumbers(earlier[key], later[key])
        : addNumbers(earlier[key], later[key]);
  }
  return sum;
}

function largerNumbers(earlier: Json | undefined, later: Json | undefined): Json {
  if (typeof earlier === "number" && typeof later === "number") return Math.max(earlier, later);
  if (!isObject(earlier) || !isObject(later)) return later ?? earlier ?? null;
  const larger: Record<string, Json> = {};
  for (const key of new Set([...Object.keys(earlier), ...Object.keys(later)])) {
    larger[key] = largerNumbers(earlier[key], later[key]);
  }
  return larger;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
