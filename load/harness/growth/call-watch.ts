/**
 * Counts every attempt of a call to a dispatcher in this process, by call and by dispatcher:
 * `HttpUpstream` tries another dispatcher by itself, so its results do not show a refused attempt.
 */

/** A refusal that took longer was no refusal: the dispatcher tried first. */
const AT_ONCE_MS = 250;

export interface CallFigures {
  answered: number;
  /** With a problem, at once. */
  refused: number;
  /** With a problem, later: the work was begun. */
  refusedLate: number;
  /** No answer in time, or none at all. */
  failed: number;
}

export interface WatchedCalls {
  /** By the last part of the path: `change`, `renew` … */
  readonly byCall: Readonly<Record<string, CallFigures>>;
  /** Attempts by origin. */
  readonly byDispatcher: Readonly<Record<string, number>>;
}

export class CallWatch {
  #byCall = new Map<string, CallFigures>();
  #byDispatcher = new Map<string, number>();

  /** Puts itself before the global `fetch`. */
  install(): void {
    const plain = globalThis.fetch;
    const watched = async (...[input, init]: Parameters<typeof fetch>): Promise<Response> => {
      const { origin, pathname } = new URL(String(input instanceof Request ? input.url : input));
      this.#byDispatcher.set(origin, (this.#byDispatcher.get(origin) ?? 0) + 1);
      const figures = this.#figuresOf(pathname.slice(pathname.lastIndexOf("/") + 1));
      const from = performance.now();
      try {
        const response = await plain(input, init);
        if (response.ok) figures.answered++;
        else if (performance.now() - from <= AT_ONCE_MS) figures.refused++;
        else figures.refusedLate++;
        return response;
      } catch (error) {
        figures.failed++;
        throw error;
      }
    };
    globalThis.fetch = Object.assign(watched, { preconnect: plain.preconnect });
  }

  take(): WatchedCalls {
    const taken = {
      byCall: Object.fromEntries(this.#byCall),
      byDispatcher: Object.fromEntries(this.#byDispatcher),
    };
    this.#byCall = new Map();
    this.#byDispatcher = new Map();
    return taken;
  }

  #figuresOf(call: string): CallFigures {
    const known = this.#byCall.get(call);
    if (known !== undefined) return known;
    const made = noCalls();
    this.#byCall.set(call, made);
    return made;
  }
}

export function noCalls(): CallFigures {
  return { answered: 0, refused: 0, refusedLate: 0, failed: 0 };
}

/** Of several processes. */
export function sumCalls(all: readonly WatchedCalls[]): WatchedCalls {
  const byCall: Record<string, CallFigures> = {};
  const byDispatcher: Record<string, number> = {};
  for (const one of all) {
    for (const [call, figures] of Object.entries(one.byCall))
      byCall[call] = addCalls(byCall[call] ?? noCalls(), figures);
    for (const [url, calls] of Object.entries(one.byDispatcher))
      byDispatcher[url] = (byDispatcher[url] ?? 0) + calls;
  }
  return { byCall, byDispatcher };
}

/** Over all calls. */
export function totalOf({ byCall }: WatchedCalls): CallFigures {
  return Object.values(byCall).reduce(addCalls, noCalls());
}

/** Those that were not answered, call by call. */
export function formatUnanswered({ byCall }: WatchedCalls): string {
  const told = Object.entries(byCall).flatMap(([call, { refused, refusedLate, failed }]) =>
    refused + refusedLate + failed === 0
      ? []
      : `${call} refused ${refused} at once, ${refusedLate} late, failed ${failed}`,
  );
  return told.length === 0 ? "all answered" : told.join("; ");
}

function addCalls(left: CallFigures, right: CallFigures): CallFigures {
  return {
    answered: left.answered + right.answered,
    refused: left.refused + right.refused,
    refusedLate: left.refusedLate + right.refusedLate,
    failed: left.failed + right.failed,
  };
}
