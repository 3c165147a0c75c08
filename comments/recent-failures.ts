/** What keeps requests from being served at the moment, for `readyz`: what the last ones were told. */

import { type Clock, Problem, type Route } from "@ovation/protocol";

/** A refusal counts for this long. */
export const TROUBLE_MS = 15_000;

const CODES = new Set(["unavailable", "log-full"]);

export class Trouble {
  readonly #clock: Clock;
  #last: { readonly at: number; readonly why: string } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The same route; notes refusals that are this process's or its databases', not the client's. */
  watch(route: Route): Route {
    return {
      ...route,
      handle: async (request, context) => {
        try {
          return await route.handle(request, context);
        } catch (error) {
          if (error instanceof Problem && CODES.has(error.code))
            this.#last = { at: this.#clock.now(), why: error.message };
          throw error;
        }
      },
    };
  }

  /** The reason, while requests were refused for it lately. */
  get why(): string | undefined {
    if (this.#last === undefined || this.#clock.now() - this.#last.at > TROUBLE_MS)
      return undefined;
    return `requests are refused: ${this.#last.why}`;
  }
}
