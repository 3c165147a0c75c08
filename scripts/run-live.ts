/** Runs a program with its output passed on as it comes, and kept for counting. */

import { spawn } from "node:child_process";

export interface LiveResult {
  /** 128 + n where a signal ended it. */
  readonly exitCode: number;
  /**
   * Both streams, as they came, without colours. Only the last {@link KEPT_CHARACTERS_MAX}
   * characters.
   */
  readonly output: string;
  readonly seconds: number;
}

/** Summaries stand at the end. */
const KEPT_CHARACTERS_MAX = 256 * 1024;

const ESCAPE = String.fromCharCode(27);
const COLOURS = new RegExp(`${ESCAPE}\\[[0-9;]*[A-Za-z]`, "g");

/** Where the output of a program goes while it runs. */
export interface Screen {
  write(text: string): void;
}

/** Shows everything at once. */
export const LIVE_SCREEN: Screen = {
  write: (text) => void process.stdout.write(text),
};

export function runLive(
  program: string,
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
  screen: Screen = LIVE_SCREEN,
): Promise<LiveResult> {
  const started = performance.now();
  const child = spawn(program, parameters, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk: string) => {
    output = (output + chunk).slice(-KEPT_CHARACTERS_MAX);
  };
  for (const from of [child.stdout, child.stderr]) {
    from.setEncoding("utf8");
    from.on("data", (chunk: string) => {
      screen.write(chunk);
      keep(chunk);
    });
  }

  // The stage stops with this process, whatever ends it.
  const stop = (signal: NodeJS.Signals) => {
    child.kill(signal);
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);

  return new Promise((resolve) => {
    const finish = (exitCode: number) => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
      resolve({
        exitCode,
        output: withoutColours(output),
        seconds: (performance.now() - started) / 1000,
      });
    };
    child.once("error", (error) => {
      const text = `${program}: ${error.message}\n`;
      screen.write(text);
      keep(text);
      finish(127);
    });
    child.once("close", (code, signal) => finish(code ?? (signal === null ? 1 : 128)));
  });
}

export function withoutColours(text: string): string {
  return text.replace(COLOURS, "");
}
