/**
 * Listeners that another one has replaced at their port (a new certificate). They accept no new
 * connection; their streams and links continue until they end by themselves.
 */

/** Beyond this many, the oldest is closed with its connections. */
export const RETIRED_LISTENERS_MAX = 8;
/** Idle keep-alive connections are closed, so that their clients get the new certificate. */
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

  /** The ones that still have connections. */
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
