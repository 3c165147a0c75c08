/** The token in use, fetched through the application's callback when there is one. */

import type { ClientOptions } from "./types.ts";

export interface TokenKeeper {
  /** Whether a fresh one can be fetched. */
  readonly renewable: boolean;
  /** The current one; calls the callback the first time. Rejects where the callback does. */
  get(): Promise<string | undefined>;
  /** A fresh one in place of `used`; concurrent callers share one call of the callback. */
  renew(used: string | undefined): Promise<string | undefined>;
  set(source: ClientOptions["token"]): void;
}

export function createTokenKeeper(first: ClientOptions["token"]): TokenKeeper {
  let source = first;
  /** The current token, or the call that fetches it. */
  let present: Promise<string | undefined> | undefined;
  let value: string | undefined;

  function fetchToken(): Promise<string | undefined> {
    const asked = source;
    const call = Promise.resolve(
      typeof asked === "function" ? Promise.resolve().then(asked) : asked,
    ).then(
      (token) => {
        if (present === call) value = token;
        return token;
      },
      (error: unknown) => {
        // The next caller that needs it asks again.
        if (present === call) present = undefined;
        throw error;
      },
    );
    present = call;
    return call;
  }

  return {
    get renewable() {
      return typeof source === "function";
    },
    get: () => present ?? fetchToken(),
    async renew(used) {
      if (present !== undefined && value !== used) return present;
      value = undefined;
      return fetchToken();
    },
    set(next) {
      source = next;
      present = undefined;
      value = undefined;
    },
  };
}
