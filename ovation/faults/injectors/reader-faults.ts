/**
 * Another program reads the data files of a running server, as an operator or a backup does. It
 * takes and gives up SQLite's locks beside the server: a server that has lost its own ends.
 */

import { join } from "node:path";
import type { ClusterProcess } from "../../cluster/cluster-process.ts";
import type { Fault } from "./fault.ts";
import { readyAgain } from "./stop-faults.ts";

const PROGRAM = join(import.meta.dir, "..", "..", "main.ts");

export function readersFault(server: ClusterProcess, directory: string): Fault {
  let isOver = false;
  let reading: Promise<string | undefined> = Promise.resolve(undefined);

  async function read(): Promise<string | undefined> {
    do {
      const command = [process.execPath, PROGRAM, "log", "verify", "--data", directory];
      const child = Bun.spawn(command, { stdio: ["ignore", "pipe", "pipe"] });
      const [code, output, errors] = await Promise.all([
        child.exited,
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      if (code !== 0) return `log verify beside the server: ${code}; ${output}${errors}`;
    } while (!isOver);
    return undefined;
  }

  return {
    kind: "another program reads the files",
    // The server as the target: no other fault damages its files or stops it meanwhile.
    targets: [server.name],
    forMs: [1000, 4000],
    async begin() {
      await readyAgain(server);
      isOver = false;
      reading = read();
    },
    async end() {
      isOver = true;
      const trouble = await reading;
      if (trouble !== undefined) throw new Error(trouble);
      if (!server.running) throw new Error("the server ended while its files were read");
    },
  };
}
