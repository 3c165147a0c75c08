/**
 * One live line in the terminal: how many watch, and what goes through. Elsewhere a line every ten
 * seconds, or none.
 */

import type { Clock } from "@ovation/protocol";
import {
  createProgressLine,
  type ProgressLine,
  type ProgressOutput,
} from "../replay/progress-line.ts";

/** Totals since the start, and what is true now. */
export interface StatusSample {
  readonly viewers: number;
  readonly connections: number;
  readonly comments: number;
  readonly likes: number;
  /** Events written, one for each connection that got one. */
  readonly deliveries: number;
  readonly memoryBytes: number;
}

export interface StatusLineOptions {
  read(): StatusSample | Promise<StatusSample>;
  readonly output: ProgressOutput;
  readonly clock: Clock;
  readonly colours: boolean;
  /**
   * Say nothing where the output is no terminal (a service's journal has the metrics). Default
   * false.
   */
  readonly quietElsewhere?: boolean;
}

export interface StatusLine {
  /** Writes a line of its own above the status. */
  say(text: string): void;
  stop(): void;
}

const EVERY_MS = 1_000;
/** Rates are over so many samples: steady enough to read. */
const WINDOW = 5;

export function startStatusLine(options: StatusLineOptions): StatusLine {
  const { clock, output } = options;
  const line: ProgressLine = createProgressLine(output, clock);
  const samples: { readonly at: number; readonly sample: StatusSample }[] = [];
  let stopped = false;
  let cancel = () => {};
  if (output.isTTY === true || options.quietElsewhere !== true) refresh();

  async function show(): Promise<void> {
    const sample = await options.read();
    if (stopped) return;
    samples.push({ at: clock.now(), sample });
    if (samples.length > WINDOW) samples.shift();
    const first = samples[0];
    if (first !== undefined && samples.length > 1)
      line.show(
        formatStatus(
          first.sample,
          sample,
          clock.now() - first.at,
          options.colours && output.isTTY === true,
        ),
      );
  }

  function refresh(): void {
    cancel = clock.after(EVERY_MS, () => {
      show().then(
        () => {
          if (!stopped) refresh();
        },
        (error: unknown) => {
          // A status line is no reason to end a server: it says why and goes.
          line.say(
            `no status line any more: ${error instanceof Error ? error.message : String(error)}`,
          );
        },
      );
    });
  }

  return {
    say: (text) => line.say(text),
    stop() {
      stopped = true;
      cancel();
      line.end();
    },
  };
}

/** `then` and `now` are `elapsedMs` apart. */
export function formatStatus(
  then: StatusSample,
  now: StatusSample,
  elapsedMs: number,
  colours: boolean,
): string {
  const rate = (key: "comments" | "likes" | "deliveries") =>
    Math.max(0, now[key] - then[key]) / Math.max(0.001, elapsedMs / 1000);
  const parts = [
    `${count(now.viewers)} viewers`,
    `${count(now.connections)} connections`,
    `${count(rate("comments"))} comments/s`,
    `${count(rate("likes"))} likes/s`,
    `${count(rate("deliveries"))} deliveries/s`,
    `${count(now.memoryBytes / 1e6)} MB`,
  ];
  const dot = colours ? "\x1b[31m●\x1b[39m" : "●";
  return `${dot} ${parts.join(" · ")}`;
}

/** `1.2`, `43`, `12,400`: as many digits as say something. */
function count(value: number): string {
  return value < 10 && !Number.isInteger(value)
    ? value.toFixed(1)
    : Math.round(value).toLocaleString("en-US");
}
