/** Loads a module of the element, and retries until it is loaded. */

import { backoffMs } from "@ovation/client/backoff";

/** The longest pause between two attempts to load the view, ms. */
export const VIEW_WAIT_MS_MAX = 30_000;
const VIEW_WAIT_MS = { first: 500, longest: VIEW_WAIT_MS_MAX };

export async function loadAgain<Module>(load: () => Promise<Module>): Promise<Module> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await load();
    } catch (error) {
      console.warn("live-comments: the view could not be loaded; retrying", error);
      const waitMs = backoffMs(attempt, VIEW_WAIT_MS);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}
