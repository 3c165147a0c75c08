/**
 * The policy of a running process: who may subscribe and comment, and what is kept, are replaced in
 * place, so that all parts see them at their next look. How events of a kind travel (types, lanes,
 * viewers) is held by connections and links, so it stays as it was at the start.
 */

import type { KindPolicy, Policy } from "@ovation/protocol";
import type { SettingsReloads } from "../settings/settings.ts";
import { isSame } from "./reloads.ts";

type LiveKind = { -readonly [Member in keyof KindPolicy]: KindPolicy[Member] };

/**
 * Kinds of `policy` that `reloads` changes; objects of their own, since built-in ones are shared.
 */
export function createLivePolicy(policy: Policy, reloads: SettingsReloads): Policy {
  const live = new Map(Object.entries(policy).map(([name, kind]) => [name, { ...kind }]));
  reloads.add((next) => {
    const changed = [...live].flatMap(([name, kind]) => {
      const renewed = next.policy[name];
      return renewed === undefined || isSame(audiencesOf(kind), audiencesOf(renewed))
        ? []
        : [{ name, kind, renewed }];
    });
    if (changed.length === 0) return undefined;
    return {
      what: changed.map(({ name }) => `kinds.${name}`),
      apply() {
        for (const { kind, renewed } of changed) take(kind, renewed);
      },
    };
  });
  return Object.fromEntries(live);
}

function take(kind: LiveKind, renewed: KindPolicy): void {
  delete kind.comment;
  delete kind.exceptions;
  Object.assign(kind, audiencesOf(renewed));
}

function audiencesOf({ subscribe, comment, exceptions, retention }: KindPolicy) {
  return {
    subscribe,
    retention,
    ...(comment === undefined ? {} : { comment }),
    ...(exceptions === undefined ? {} : { exceptions }),
  };
}

/** Kinds whose way through the system differs: only a restart takes them over. */
export function kindsThatNeedRestart(now: Policy, next: Policy): readonly string[] {
  const names = new Set([...Object.keys(now), ...Object.keys(next)]);
  return [...names].filter((name) => !isSame(wayOf(now[name]), wayOf(next[name])));
}

function wayOf(kind: KindPolicy | undefined) {
  return kind === undefined
    ? undefined
    : { types: kind.types, defaultType: kind.defaultType, viewers: kind.viewers };
}
