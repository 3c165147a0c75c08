/** Backups of `ovation start`, made and restored as `docs/operating/backup.md` says. */

import { Database } from "bun:sqlite";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClusterProcess } from "../../cluster/cluster-process.ts";
import type { Backups } from "./stage.ts";

const NAMES = ["log", "videos", "members"] as const;
/** Beside a database file. */
const BESIDE = ["", "-wal", "-shm"] as const;

export function createFileBackups(server: ClusterProcess, directory: string): Backups {
  const kept = mkdtempSync(join(tmpdir(), "ovation-backup-"));
  process.once("exit", () => rmSync(kept, { recursive: true, force: true }));
  return {
    ways: ["stopped", "killed"],
    async backUp() {
      for (const name of NAMES) {
        const copy = join(kept, `${name}.sqlite`);
        rmSync(copy, { force: true });
        const database = new Database(join(directory, `${name}.sqlite`), { readonly: true });
        try {
          database.run("VACUUM INTO ?", [copy]);
        } finally {
          database.close();
        }
      }
    },
    async restore(way, whenStopped) {
      if (way === "killed") await server.kill();
      else await server.terminate();
      await whenStopped();
      for (const name of NAMES) {
        const file = join(directory, `${name}.sqlite`);
        for (const suffix of BESIDE) rmSync(file + suffix, { force: true });
        copyFileSync(join(kept, `${name}.sqlite`), file);
      }
      await server.restart("until-ready");
    },
  };
}
