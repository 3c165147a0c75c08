/** Two processes that open one database at once; each migrates it where it is not migrated yet. */

import { join } from "node:path";

const CHILD = join(import.meta.dir, "migrate-child.ts");

/** What each wrote to its standard error, and "" where it opened the database. */
export function migrateTogether(form: "sqlite" | "postgres", place: string): Promise<string[]> {
  return Promise.all(
    Array.from({ length: 2 }, async () => {
      const child = Bun.spawn([process.execPath, CHILD, form, place], { stderr: "pipe" });
      const said = await new Response(child.stderr).text();
      return (await child.exited) === 0 ? "" : said;
    }),
  );
}
