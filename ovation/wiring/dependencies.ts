/**
 * The servers that a process of a cluster needs (Redis, PostgreSQL), and whether each answers, as it was last heard:
 * asked once a second, and said in `readyz`, in `ovation_dependency_up`, and, when it changes, in the program's log.
 *
 * One that is essential makes the process not ready while it is away. Without one that is not, it does less, says
 * so ("degraded"), and stays in rotation: the database is everybody's, so with it all processes would go, and take with them
 * what needs no database.
 */

import type { Clock } from "@ovation/protocol";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { ReadinessCheck } from "../health.ts";
import { registerDependencies } from "../metrics/dependency-metrics.ts";

/** When the process is not ready without it: at any time, until it has answered once, never. */
export type Essential = "always" | "at-start" | "never";

export interface Dependency {
  /** It answers. */
  up(): void;
  away(why: string): void;
  /** Asks now and from now on; what is rejected with says why it is away. */
  watch(ask: () => Promise<unknown>): void;
}

export interface Dependencies {
  /** `what` is it, in the words of `readyz`. */
  add(name: string, what: string, essential: Essential): Dependency;
  /** Grows with what is added. */
  readonly checks: readonly ReadinessCheck[];
  /** The process has begun to serve: until then it is not ready, whatever answers. */
  started(): void;
  /** The process goes away: not ready from now on, and nothing is asked any more. */
  leave(): void;
}

const ASK_EVERY_MS = 1000;
/** One that takes longer is away for whoever waits for it. */
export const ANSWER_MS_MAX = 2000;
/** While it is away, another reason for that is logged at most this often … */
const SAY_EVERY_MS = 5000;
/** … and the same reason this often. */
const SAY_AGAIN_MS = 60_000;

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
    /** The reason that was logged last, without its numbers; empty where it was that all is well. */
    let said: string | undefined;
    let saidAt = 0;

    function up(): void {
      state.why = undefined;
      // One that is there from the first moment, and that the process could do without, is no news.
      const isNews = said !== undefined || state.essential !== "never";
      if (isNews && said !== "") logger.info({ dependency: name }, `${what} is reached`);
      said = "";
      state.reached = true;
    }

    function away(why: string): void {
      // Which of our calls met it is nothing to whoever reads this.
      const reason = why.replace(/^\w+ at /, "");
      const how = state.reached ? "is away" : "is not reached yet";
      const isNew = state.why === undefined || said === undefined;
      state.why = `${what} ${how}: ${reason}`;
      const kind = reason.replaceAll(/[0-9.]+/g, "");
      const silentMs = kind === said ? SAY_AGAIN_MS : SAY_EVERY_MS;
      if (!isNew && clock.now() - saidAt < silentMs) return;
      said = kind;
      saidAt = clock.now();
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
