/** A PostgreSQL server for a file of tests, and an empty database for each of its tests. */

import { afterAll, beforeAll, beforeEach } from "bun:test";
import { startPostgres, type TestPostgres } from "./postgres.ts";

/** Called once in a file. `onDatabase` runs before each test, with the URL of its database. */
export function databasePerTest(onDatabase: (url: string, server: TestPostgres) => void): void {
  let server: TestPostgres;
  let databases = 0;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    onDatabase(await server.createDatabase(`test${++databases}`), server);
  });
}
