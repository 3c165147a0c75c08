/** The token in use, fetched through the application's callback when there is one. */

import type { ClientOptions } from "../types.ts";

export class TokenKeeper {
  #source: ClientOptions["token"];
  /** The current token, or the call that fetches it. */
  #current: Promise<string | undefined> | undefined;
  #value: string | undefined;

  constructor(source: ClientOptions["token"]) {
    this.#source = source;
  }

  /** Whether a fresh one can be fetched. */
  get renewable(): boolean {
    return typeof this.#source === "function";
  }

  /** The current one; calls the callback the first time. Rejects where the callback does. */
  get(): Promise<string | undefined> {
    return this.#current ?? this.#fetch();
  }

  /** A fresh one in place of `used`; concurrent callers share one call of the callback. */
  renew(used: string | undefined): Promise<string | undefined> {
    if (this.#current !== undefined && this.#value !== used) return this.#current;
    this.#value = undefined;
    return this.#fetch();
  }

  set(source: ClientOptions["token"]): void {
    this.#source = source;
    this.#current = undefined;
    this.#value = undefined;
  }

  #fetch(): Promise<string | undefined> {
    const source = this.#source;
    const call = Promise.resolve(
      typeof source === "function" ? Promise.resolve().then(source) : source,
    ).then(
      (token) => {
        if (this.#current === call) this.#value = token;
        return token;
      },
      (error: unknown) => {
        // The next caller that needs it asks again.
        if (this.#current === call) this.#current = undefined;
        throw error;
      },
    );
    this.#current = call;
    return call;
  }
}
