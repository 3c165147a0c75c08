/**
 * Listeners that another one has replaced at their port (a new certificate). They take no new
 * connection; their streams and links go on until they end by themselves.
 */

/** More than this many wait for their last connection: the oldest ends with those it has. */
export const RETIRED_LISTENERS_MAX = 8;
/** A kept connection without a request is closed, so that its client sees the new certificate. */
const SWEEP_MS = 1_000;

export type RetirableListener = Pick<
  Bun.Server<unknown>,
  "stop" | "closeIdleConnections" | "pendingRequests" | "pendingWebSockets"
>;

export class RetiredListeners<Listener extends RetirableListener> {
  readonly #listeners = new Set<Listener>();
  #sweep: ReturnType<typeof setInterval> | undefined;

  add(listener: Listener): void {
    this.#listeners.add(listener);
    void listener.stop(false).finally(() => this.#remove(listener));
    listener.closeIdleConnections();
    this.#sweep ??= setInterval(() => {
      for (const each of this.#listeners) each.closeIdleConnections();
    }, SWEEP_MS);
    const [oldest] = this.#listeners;
    if (this.#listeners.size > RETIRED_LISTENERS_MAX) void oldest?.stop(true);
  }

  /** Those that still have connections. */
  get all(): readonly Listener[] {
    return [...this.#listeners];
  }

  #remove(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}
