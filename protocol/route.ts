/**
 * How the parts offer HTTP: a list of routes over web-standard requests. `ovation/` puts the lists of
 * the roles that a process has on one listener, turns thrown Problems into answers, and adds CORS.
 */

export interface RouteContext {
  /** Values of the `:name` parts of the path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** The peer's address, after trusted proxies. */
  readonly address: string;
  /** No idle time-out for this request: its response is a stream. */
  keepOpen(): void;
}

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "PATCH";
  /** `/v1/videos/:id/comments` */
  readonly path: string;
  handle(request: Request, context: RouteContext): Response | Promise<Response>;
}

/** Randomness and time as arguments: the simulation replays a cluster from a seed. */
export interface Clock {
  /** ms since 1970. */
  now(): number;
  /** Calls `run` once after `ms`; the answer cancels it. */
  after(ms: number, run: () => void): () => void;
}

/** The wall clock, which an operator or NTP may set: for what is told and stored, and for what others' clocks are compared with. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * A clock that never jumps, by the monotonic one: for how long something waits, rests or stays good. By the
 * wall clock, whatever was due in five milliseconds would wait for minutes after that was set back.
 */
export const steadyClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after: systemClock.after,
};
