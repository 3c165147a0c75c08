/**
 * The servers that a process of a cluster needs (Redis, PostgreSQL), and whether each responds:
 * asked once a second, reported in `readyz` and `ovation_dependency_up`, and logged on a change.
 *
 * While an essential one is unreachable, the process is not ready. Without another one it does
 * less, reports "degraded", and stays in rotation: all processes share the database, so all would
 * leave the rotation, with the features that need no database.
 */

import type { Clock } from "@ovation/protocol";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { ReadinessCheck } from "../health.ts";
import { registerDependencies } from "../metrics/dependency-metrics.ts";

/** When the process is not ready without it: at any time, until it has answered once, never. */
export type Essential = "always" | "at-start" | "never";

export interface Dependency {
  /** It responded. */
  up(): void;
  away(why: string): void;
  /** Asks now and from now on; a rejection is the reason why it is away. */
  watch(ask: () => Promise<unknown>): void;
}

export interface Dependencies {
  /** `what` is it, in the words of `readyz`. */
  add(name: string, what: string, essential: Essential): Dependency;
  /** Grows with what is added. */
  readonly checks: readonly ReadinessCheck[];
  /** The process begins to serve: until then it is not ready. */
  started(): void;
  /** The process stops: not ready from now on, and no dependency is asked. */
  leave(): void;
}

const ASK_EVERY_MS = 1000;
/** A dependency that takes longer counts as away. */
export const ANSWER_MS_MAX = 2000;
/** While it is away, another reason is logged at most this often. */
const OTHER_LOG_MS = 5000;
/** The same reason is logged at most this often. */
const SAME_LOG_MS = 60_000;

interface State {
  readonly essential: Essential;
  reached: boolean;
  why: string | undefined;
}

export function createDependencies(logger: Logger, registry: Registry, clock: Clock): Dependencies {
  const states = new Map<string, State>();
  let life: "starting" | "serving" | "leaving" = "starting";
  const checks: ReadinessCheck[] = [
    ["start", () => (life === "starting" ? "the process still starts" : undefined)],
    ["draining", () => (life === "leaving" ? "the process is going away" : undefined)],
  ];
  registerDependencies(registry, () =>
    [...states].map(([name, { why }]) => [name, why === undefined] as const),
  );

  function add(name: string, what: string, essential: Essential): Dependency {
    const state: State = { essential, reached: false, why: `${what} is not reached yet` };
    states.set(name, state);
    checks.push([
      name,
      () => state.why,
      () =>
        state.essential === "never" || (state.essential === "at-start" && state.reached)
          ? "degraded"
          : "not ready",
    ]);
    /** The reason that was logged last, without its numbers; empty after "is reached". */
    let logged: string | undefined;
    let loggedAt = 0;

    function up(): void {
      state.why = undefined;
      // No log line for a dispensable dependency that responds from the start.
      const isNews = logged !== undefined || state.essential !== "never";
      if (isNews && logged !== "") logger.info({ dependency: name }, `${what} is reached`);
      logged = "";
      state.reached = true;
    }

    function away(why: string): void {
      // The log line does not name the call that failed.
      const reason = why.replace(/^\w+ at /, "");
      const how = state.reached ? "is away" : "is not reached yet";
      const isNew = state.why === undefined || logged === undefined;
      state.why = `${what} ${how}: ${reason}`;
      const kind = reason.replaceAll(/[0-9.]+/g, "");
      const silentMs = kind === logged ? SAME_LOG_MS : OTHER_LOG_MS;
      if (!isNew && clock.now() - loggedAt < silentMs) return;
      logged = kind;
      loggedAt = clock.now();
      logger.warn({ dependency: name, reason }, `${what} ${how}, trying again`);
    }

    function watch(ask: () => Promise<unknown>): void {
      if (life === "leaving") return;
      const late = clock.after(ANSWER_MS_MAX, () => away(`no answer in ${ANSWER_MS_MAX} ms`));
      void ask()
        .then(up, (error: unknown) => away(error instanceof Error ? error.message : String(error)))
        .finally(() => {
          late();
          clock.after(ASK_EVERY_MS, () => watch(ask));
        });
    }

    return { up, away, watch };
  }

  return {
    add,
    checks,
    started() {
      life = "serving";
    },
    leave() {
      life = "leaving";
    },
  };
}
