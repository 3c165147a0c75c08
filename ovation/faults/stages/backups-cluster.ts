/**
 * Backups of a cluster's PostgreSQL, made and restored as `docs/operating/backup.md` says: as a
 * dump, or as a copy of the files of the stopped server. Frontends may keep their connections.
 */

import { join } from "node:path";
import type { LocalCluster } from "../../cluster/local-cluster.ts";
import type { Backups } from "./stage.ts";

const DROP = `
  DROP SCHEMA IF EXISTS ovation_log CASCADE;
  DROP SCHEMA public CASCADE;
  CREATE SCHEMA public;`;

export function createDatabaseBackups({ postgres, processes }: LocalCluster): Backups {
  const all = [...processes.values()];
  const dump = join(postgres.directory, "ovation.dump");

  async function run(program: string, ...flags: readonly string[]): Promise<void> {
    const command = [join(postgres.binaries, program), ...flags];
    const child = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    const [code, errors] = await Promise.all([child.exited, new Response(child.stderr).text()]);
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${errors}`);
  }

  return {
    ways: [
      "dump, frontends stay",
      "dump, all stopped",
      "dump, all killed",
      "files, frontends stay",
      "files, all stopped",
      "files, all killed",
    ],
    async backUp(way) {
      if (way.startsWith("dump")) {
        await run("pg_dump", "--format=custom", `--file=${dump}`, postgres.url);
        return;
      }
      await postgres.halt("fast");
      await postgres.copyFiles();
      await postgres.resume();
      await Promise.all(all.map((process) => process.ready()));
    },
    async restore(way, whenStopped) {
      const ended = way.endsWith("frontends stay")
        ? all.filter(({ role }) => role !== "frontend")
        : all;
      await Promise.all(
        ended.map((process) => (way.endsWith("killed") ? process.kill() : process.terminate())),
      );
      await whenStopped();
      if (way.startsWith("dump")) {
        await run("psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", "-d", postgres.url, "-c", DROP);
        await run("pg_restore", "--dbname", postgres.url, dump);
      } else {
        await postgres.halt("fast");
        await postgres.restoreFiles();
        await postgres.resume();
      }
      await Promise.all(ended.map((process) => process.restart("at-once")));
      await Promise.all(all.map((process) => process.ready()));
    },
  };
}
