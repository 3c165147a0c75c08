/**
 * Which faults may keep the positions of plain viewers from moving on: those that keep a frontend
 * from asking the dispatchers, or the dispatchers from asking the log. All others, clocks among
 * them, must leave repetitions as short as they are on a whole system.
 */

import type { Injected } from "../history/history.ts";

/** What has nothing to do with how positions move on. */
const ELSEWHERE = [
  /^viewers /,
  /^second server/,
  /^links /,
  /^(kill -9|SIGTERM) frontend$/,
  /^(kill -9|pause|SIGTERM) comments$/,
  /^wire comments to dispatcher /,
  /^postgres clock /,
  // Not so far that processes refuse each other's calls.
  /^clock [+−](20|600) s$/,
];
/**
 * What a connection does not survive, though its viewer may notice only later: on a busy machine
 * the gateway closed a killed frontend's connections 0.6 s after the kill.
 */
const CUTS_VIEWERS = /^viewers |^kill -9 frontend$/;
/** Nothing is refused within one process, whatever its clock. */
const WITHIN_ONE = /^clock /;

export function holdsPositions({ kind, target }: Pick<Injected, "kind" | "target">): boolean {
  if (target === "start" && WITHIN_ONE.test(kind)) return false;
  return !ELSEWHERE.some((pattern) => pattern.test(kind));
}

export function cutsViewers({ kind }: Pick<Injected, "kind">): boolean {
  return CUTS_VIEWERS.test(kind);
}
