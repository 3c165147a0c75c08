/** For `readyz`: why requests were refused recently, where the databases are the reason. */

import { type Clock, Problem, type Route } from "@ovation/protocol";
import { RECENT_FAILURE_AGE_MS } from "./limits.ts";

const CODES = new Set(["unavailable", "log-full"]);

export class RecentFailures {
  readonly #clock: Clock;
  #last: { readonly at: number; readonly reason: string } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The same route; records refusals by the databases, not those of bad requests. */
  watch(route: Route): Route {
    return {
      ...route,
      handle: async (request, context) => {
        try {
          return await route.handle(request, context);
        } catch (error) {
          if (error instanceof Problem && CODES.has(error.code))
            this.#last = { at: this.#clock.now(), reason: error.message };
          throw error;
        }
      },
    };
  }

  /** Undefined where none is younger than RECENT_FAILURE_AGE_MS. */
  get reason(): string | undefined {
    if (this.#last === undefined || this.#clock.now() - this.#last.at > RECENT_FAILURE_AGE_MS)
      return undefined;
    return `requests are refused: ${this.#last.reason}`;
  }
}
