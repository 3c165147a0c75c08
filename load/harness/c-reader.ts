/**
 * The floor of a reader: `benchmarks/reader.c`, compiled on the spot, on the streams of a server on
 * this machine.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface CReaderResult {
  readonly reads: number;
  /** Reads with the same bytes as the one before. */
  readonly same: number;
  readonly userUs: number;
  readonly systemUs: number;
}

export interface CReader {
  /** Ends it; returns its reads and their cost since all its connections were open. */
  end(): Promise<CReaderResult>;
}

/** Resolves when its connections are open. */
export async function startCReader(port: number, connections: number): Promise<CReader> {
  const directory = await mkdtemp(join(tmpdir(), "ovation-reader-"));
  const program = join(directory, "reader");
  const source = fileURLToPath(new URL("../benchmarks/reader.c", import.meta.url));
  const compiler = Bun.spawn(["cc", "-O2", "-Wall", "-o", program, source], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  if ((await compiler.exited) !== 0) throw new Error("cc cannot compile benchmarks/reader.c");
  const reader = Bun.spawn([program, String(port), String(connections)], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = reader.stdout.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const readUntil = async (isThere: () => boolean) => {
    while (!isThere()) {
      const { value, done } = await output.read();
      if (done) throw new Error(`benchmarks/reader.c ended: ${text}`);
      text += decoder.decode(value);
    }
  };
  await readUntil(() => text.includes("ready\n"));
  return {
    async end() {
      await reader.stdin.end();
      await readUntil(() => text.endsWith("}\n"));
      await reader.exited;
      await rm(directory, { recursive: true, force: true });
      return JSON.parse(text.slice(text.indexOf("{"))) as CReaderResult;
    },
  };
}
