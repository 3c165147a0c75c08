/** What Redis and PostgreSQL of the measured cluster have done so far. */

import { processTree } from "../process-figures.ts";
import { type RedisNode, redisNodes } from "../redis-nodes.ts";

export interface RedisFigures {
  /** Of the thread that runs commands, s. */
  readonly cpuSeconds: number;
  /** Those in scripts too. */
  readonly commands: number;
  /** In and out. */
  readonly bytes: number;
}

export function openRedisFigures(url: string): { readonly node: RedisNode } & {
  read(): Promise<RedisFigures>;
} {
  const [node] = redisNodes(url);
  if (node === undefined) throw new Error("the cluster has no Redis");
  return {
    node,
    async read() {
      const info = String(await node.send("INFO"));
      const figure = (name: string) => {
        const [, value] = new RegExp(`^${name}:([0-9.]+)`, "m").exec(info) ?? [];
        if (value === undefined) throw new Error(`Redis does not tell ${name}`);
        return Number(value);
      };
      return {
        cpuSeconds: figure("used_cpu_user_main_thread") + figure("used_cpu_sys_main_thread"),
        commands: figure("total_commands_processed"),
        bytes: figure("total_net_input_bytes") + figure("total_net_output_bytes"),
      };
    },
  };
}

export interface PostgresFigures {
  readonly statements: number;
  /** Reads of a page of events among them. */
  readonly pageReads: number;
}

export interface PostgresProbe {
  read(): Promise<PostgresFigures>;
  /** The server and its connections. */
  pids(): readonly number[];
  close(): Promise<void>;
}

/** The output column that only the read of a page has: `log/postgres/postgres-reads.ts`. */
const PAGE_READ = "%AS head_epoch%";

export async function openPostgresProbe(url: string): Promise<PostgresProbe> {
  const sql = new Bun.SQL(url, { max: 1 });
  try {
    await sql`CREATE EXTENSION IF NOT EXISTS pg_stat_statements`;
  } catch (error) {
    await sql.close();
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `PostgreSQL needs pg_stat_statements (Debian: apt-get install postgresql): ${why}`,
    );
  }
  const [file] = (await sql`SELECT pg_read_file('postmaster.pid') AS text`) as [{ text: string }];
  const server = Number(file.text.split("\n")[0]);
  return {
    async read() {
      const [row] = (await sql`
        SELECT coalesce(sum(calls), 0)::float8 AS statements,
          coalesce(sum(calls) FILTER (WHERE query LIKE ${PAGE_READ}), 0)::float8 AS pages
        FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'`) as [
        { statements: number; pages: number },
      ];
      return { statements: row.statements, pageReads: row.pages };
    },
    pids: () => processTree(server),
    close: () => sql.close(),
  };
}
