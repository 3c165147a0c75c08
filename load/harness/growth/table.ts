/** The table of growth: a row for each figure, a column for each number of frontends. */

import type { Figure } from "../benchmark.ts";
import { type GrowthRow, ROWS, type RowName } from "./rows.ts";

const NOT_MEASURED = "–";

export class GrowthTable {
  readonly #columns: readonly number[];
  readonly #values = new Map<RowName, Map<number, number>>();

  constructor(columns: readonly number[]) {
    this.#columns = columns;
  }

  set(name: RowName, frontends: number, value: number): void {
    const values = this.#values.get(name) ?? new Map<number, number>();
    this.#values.set(name, values.set(frontends, value));
  }

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  /** Rows that were measured, under the numbers of frontends. */
  lines(): readonly string[] {
    const measured = this.#measured();
    const cells = measured.map((name) =>
      this.#columns.map((column) => formatCell(ROWS[name], this.#values.get(name)?.get(column))),
    );
    const label = Math.max(...measured.map((name) => ROWS[name].what.length), 0);
    const widths = this.#columns.map((column, index) =>
      Math.max(formatCount(column).length, ...cells.map((row) => row[index]?.length ?? 0)),
    );
    const line = (what: string, row: readonly string[]) =>
      [what.padEnd(label), ...row.map((cell, index) => cell.padStart(widths[index] ?? 0))].join(
        "  ",
      );
    return [
      line("frontends", this.#columns.map(formatCount)),
      ...measured.map((name, index) => line(ROWS[name].what, cells[index] ?? [])),
    ];
  }

  /** Of rows with a target. `isJudged`: whether the sizes are those that the targets are for. */
  figures(isJudged: boolean): readonly Figure[] {
    return this.#measured().flatMap((name) => {
      const row: GrowthRow = ROWS[name];
      const values = [...(this.#values.get(name) ?? [])].sort(([left], [right]) => left - right);
      const { target } = row;
      if (target === undefined) return [];
      const worst =
        target.of === "growth" ? growth(values) : Math.max(...values.map(([, one]) => one));
      // One number of frontends shows no growth.
      if (worst === undefined) return [];
      const value = values.map(
        ([frontends, one]) => `${formatCount(frontends)}: ${formatCell(row, one)}`,
      );
      const grown = target.of === "growth" ? ` (${worst.toFixed(2)}×)` : "";
      return {
        what: `${row.part}: ${row.what}`,
        value: `${value.join(" · ")}${grown}`,
        target: target.text,
        ...(isJudged ? { ok: worst <= target.max } : {}),
      };
    });
  }

  #measured(): readonly RowName[] {
    return (Object.keys(ROWS) as RowName[]).filter((name) => this.#values.has(name));
  }
}

/** From the fewest frontends to the most. */
function growth(values: readonly (readonly [number, number])[]): number | undefined {
  const [first, last] = [values[0], values.at(-1)];
  if (values.length < 2 || first === undefined || last === undefined) return undefined;
  return last[1] / Math.max(first[1], Number.EPSILON);
}

function formatCell({ digits, unit }: GrowthRow, value: number | undefined): string {
  if (value === undefined) return NOT_MEASURED;
  if (!Number.isFinite(value)) return "never";
  const shown = value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return unit === "" ? shown : `${shown} ${unit}`;
}

function formatCount(value: number): string {
  return value.toLocaleString("en");
}
