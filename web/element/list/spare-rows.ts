/** Rows that left the list, kept for reuse: creating and discarding elements costs memory. */

import { SPARE_ROWS_MAX } from "../limits.ts";

export class SpareRows<Row> {
  readonly #rows: Row[] = [];

  /** Beyond SPARE_ROWS_MAX the row is dropped. */
  put(row: Row): void {
    if (this.#rows.length < SPARE_ROWS_MAX) this.#rows.push(row);
  }

  take(): Row | undefined {
    return this.#rows.pop();
  }
}
