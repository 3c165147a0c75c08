/** The servers that the load generator can drive. A new one is one file here and one line below. */
import { centrifugo } from "./centrifugo.ts";
import { mercure } from "./mercure.ts";
import { nchan } from "./nchan.ts";
import { ovation } from "./ovation.ts";
import { ovationComments } from "./ovation-comments.ts";
import { sse } from "./sse.ts";
import type { Target } from "./target.ts";

export const TARGETS: Readonly<Record<string, Target>> = {
  ovation,
  "ovation-comments": ovationComments,
  nchan,
  mercure,
  centrifugo,
  sse,
};

export function targetNamed(name: string): Target {
  const target = Object.hasOwn(TARGETS, name) ? TARGETS[name] : undefined;
  if (target === undefined)
    throw new Error(`no target "${name}": there are ${Object.keys(TARGETS).join(", ")}`);
  return target;
}
