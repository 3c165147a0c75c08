/**
 * The number of a video's viewers wherever it is shown, over time: when it was wrong, by how much,
 * and for how long.
 */
import { openStream } from "./stream.ts";

export interface CountSource {
  readonly name: string;
  /** The URL of a comments process (polled), or of a frontend (which reports to a viewer). */
  readonly url: string;
  readonly kind: "comments" | "frontend";
}

export interface CountHistory {
  readonly source: string;
  /** The last number, or `undefined` where there was none. */
  readonly last: number | undefined;
  /**
   * Since `from`: the last moment at which it was wrong, the longest time that it was wrong, ms,
   * and the numbers shown.
   */
  since(from: number, truth: number): CountVerdict;
}

export interface CountVerdict {
  readonly wrongUntilMs: number;
  readonly wrongAtAStretchMs: number;
  readonly least: number;
  readonly most: number;
}

export interface CountWatch {
  readonly histories: readonly CountHistory[];
  /** Whether every source shows it. */
  all(truth: number): boolean;
  /** A killed source reports nothing, and its last number does not count. */
  forget(name: string): void;
  close(): void;
}

interface Sample {
  readonly at: number;
  readonly viewers: number;
}

const POLL_MS = 100;
const TIMEOUT_MS = 2000;

export async function watchCounts(
  video: string,
  sources: readonly CountSource[],
): Promise<CountWatch> {
  const abort = new AbortController();
  const forgotten = new Set<string>();
  const samples = new Map<string, Sample[]>(sources.map(({ name }) => [name, []]));
  const note = (name: string, viewers: number) =>
    void samples.get(name)?.push({ at: performance.now(), viewers });

  async function ask({ name, url }: CountSource): Promise<void> {
    while (!abort.signal.aborted && !forgotten.has(name)) {
      try {
        const answer = await fetch(`${url}/v1/videos/${video}`, {
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        if (answer.ok) note(name, ((await answer.json()) as { readonly viewers: number }).viewers);
      } catch {
        // No response is not a wrong number.
      }
      await Bun.sleep(POLL_MS);
    }
  }

  const streams = await Promise.all(
    sources
      .filter(({ kind }) => kind === "frontend")
      .map(({ name, url }) =>
        openStream(url, [`video:${video}`], ({ type, data }) => {
          if (type === "stats")
            note(
              name,
              (JSON.parse(data) as { readonly data: { readonly viewers: number } }).data.viewers,
            );
        }),
      ),
  );
  for (const source of sources) if (source.kind === "comments") void ask(source);
  const histories = () =>
    [...samples]
      .filter(([name]) => !forgotten.has(name))
      .map(([name, taken]) => historyOf(name, taken));
  return {
    get histories() {
      return histories();
    },
    all: (truth) => histories().every(({ last }) => last === truth),
    forget: (name) => void forgotten.add(name),
    close() {
      abort.abort();
      for (const stream of streams) stream.close();
    },
  };
}

/** A number is shown until the next one. */
function historyOf(source: string, samples: readonly Sample[]): CountHistory {
  return {
    source,
    last: samples.at(-1)?.viewers,
    since(from, truth) {
      const now = performance.now();
      let [wrongUntilMs, wrongAtAStretchMs, wrongFrom] = [0, 0, Number.NaN];
      const shown: number[] = [];
      for (const [index, { at, viewers }] of samples.entries()) {
        const until = samples[index + 1]?.at ?? now;
        if (until < from) continue;
        shown.push(viewers);
        if (viewers === truth) {
          wrongFrom = Number.NaN;
          continue;
        }
        if (Number.isNaN(wrongFrom)) wrongFrom = Math.max(at, from);
        wrongUntilMs = until - from;
        wrongAtAStretchMs = Math.max(wrongAtAStretchMs, until - wrongFrom);
      }
      return {
        wrongUntilMs,
        wrongAtAStretchMs,
        least: Math.min(...shown),
        most: Math.max(...shown),
      };
    },
  };
}
