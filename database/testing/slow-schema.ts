/** Tables whose second migration takes a noticeable time on both databases. */

import type { SqlSchema } from "../sql-database.ts";

export const SLOW_ROWS = 200_000;

export const SLOW_SCHEMA: SqlSchema = {
  part: "slow",
  migrations: [
    "CREATE TABLE ovation_slow (id BIGINT PRIMARY KEY)",
    `INSERT INTO ovation_slow (id)
     WITH RECURSIVE numbers (n) AS (
       SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${SLOW_ROWS})
     SELECT n FROM numbers`,
  ],
};
