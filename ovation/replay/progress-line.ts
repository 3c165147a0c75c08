/** One line that is written over on a terminal, and now and then a line of its own elsewhere. */

import type { Clock } from "@ovation/protocol";

export interface ProgressLine {
  /**
   * The present state; shown at most a few times a second, or every ten seconds where this is no
   * terminal.
   */
  show(text: string): void;
  /** Something that stays. */
  say(text: string): void;
  /** Leaves the last state standing. */
  end(): void;
}

const TERMINAL_EVERY_MS = 200;
const FILE_EVERY_MS = 10_000;

export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): boolean;
}

export function createProgressLine(output: ProgressOutput, clock: Clock): ProgressLine {
  const terminal = output.isTTY === true;
  const everyMs = terminal ? TERMINAL_EVERY_MS : FILE_EVERY_MS;
  let shownAt = terminal ? 0 : clock.now();
  let latest = "";
  let standing = false;

  /** Back to the start of the line, which is then erased. */
  const clear = () => {
    if (standing) output.write("\r\x1b[K");
    standing = false;
  };
  const draw = () => {
    if (!terminal) {
      output.write(`${latest}\n`);
      return;
    }
    clear();
    output.write(latest.slice(0, Math.max(20, (output.columns ?? 80) - 1)));
    standing = true;
  };

  return {
    show(text) {
      latest = text;
      if (clock.now() - shownAt < everyMs) return;
      shownAt = clock.now();
      draw();
    },
    say(text) {
      clear();
      output.write(`${text}\n`);
    },
    end() {
      if (latest !== "") draw();
      if (standing) output.write("\n");
      standing = false;
      latest = "";
    },
  };
}
