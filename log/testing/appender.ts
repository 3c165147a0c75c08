/** Runs `append-child.ts` and collects what it was told. */

import { join } from "node:path";

const CHILD_MS_MAX = 60_000;

export interface Ack {
  readonly seq: number;
  readonly epoch: string;
  readonly key: string;
}

export interface Appender {
  readonly acks: readonly Ack[];
  /** Resolves when so many events were acknowledged. */
  reached(count: number): Promise<void>;
  /** `kill -9`; resolves when the process is gone and everything it had said is read. */
  kill(): Promise<void>;
  /** Resolves with the exit code when it has done its work. */
  readonly done: Promise<number>;
}

export function startAppender(
  location: string,
  topic: string,
  writer: string,
  count: number,
): Appender {
  const child = Bun.spawn(
    [
      process.execPath,
      join(import.meta.dir, "append-child.ts"),
      location,
      topic,
      writer,
      `${count}`,
    ],
    {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
      // So that a test that fails leaves no process behind.
      timeout: CHILD_MS_MAX,
      killSignal: "SIGKILL",
    },
  );
  const acks: Ack[] = [];
  let notify = (): void => undefined;
  const read = (async () => {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [seq = "", epoch = "", key = ""] = line.split(" ");
        acks.push({ seq: Number(seq), epoch, key });
      }
      notify();
    }
  })();
  return {
    acks,
    done: Promise.all([child.exited, read]).then(([code]) => code),
    async kill() {
      child.kill("SIGKILL");
      await Promise.all([child.exited, read]);
    },
    reached: (wanted) =>
      new Promise((resolve) => {
        notify = () => {
          if (acks.length >= wanted) resolve();
        };
        notify();
      }),
  };
}
