/** The rows of the table of growth: what is measured at each number of frontends. */

/** How a row is judged: by each figure, or by the growth from the fewest frontends to the most. */
export interface RowTarget {
  readonly of: "each" | "growth";
  readonly max: number;
  readonly text: string;
}

export interface GrowthRow {
  readonly part: string;
  readonly what: string;
  readonly unit: string;
  readonly digits: number;
  readonly target?: RowTarget;
}

const row = (
  part: string,
  what: string,
  unit: string,
  digits: number,
  target?: RowTarget,
): GrowthRow => ({ part, what, unit, digits, ...(target === undefined ? {} : { target }) });

const each = (max: number, text: string): RowTarget => ({ of: "each", max, text });
const FLAT: RowTarget = { of: "growth", max: 1.2, text: "grows ≤ 1.2×" };

export const ROWS = {
  idleRedis: row("idle", "Redis CPU per frontend and second", "µs", 0, FLAT),
  idleCommands: row("idle", "Redis commands per frontend and second", "", 1),
  idleBytes: row("idle", "Redis traffic per frontend and second", "KB", 1),
  idleDispatchers: row("idle", "CPU of all dispatchers per frontend and second", "µs", 0),
  idleStatements: row("idle", "PostgreSQL statements per second", "", 1),
  idlePostgres: row("idle", "PostgreSQL CPU per second", "ms", 1),
  idleAnswered: row("idle", "calls of frontends answered per frontend and second", "", 2),
  idleUnanswered: row("idle", "calls refused or failed", "%", 2),
  idleMemory: row("idle", "memory of a dispatcher", "MB", 0),
  oneRedis: row("one-row", "Redis CPU per event, one row", "µs", 0, FLAT),
  oneCommands: row("one-row", "Redis commands per event, one row", "", 2),
  oneBytes: row("one-row", "Redis traffic per event, one row", "KB", 2),
  oneDispatchers: row("one-row", "CPU of all dispatchers per event, one row", "µs", 0),
  oneMessages: row("one-row", "link messages per event, one row", "", 2),
  oneLost: row("one-row", "events lost, one row", "", 0, each(0, "0")),
  allRedis: row("fanout", "Redis CPU per event, all have the topic", "µs", 0),
  allBytes: row("fanout", "Redis traffic per event, all have the topic", "KB", 1),
  allDispatchers: row(
    ...(["fanout", "CPU of all dispatchers per event, all have the topic", "ms", 2] as const),
    each(3, "≤ 3 ms"),
  ),
  allMessages: row("fanout", "link messages per event, all have the topic", "", 1),
  allLast: row("fanout", "the last frontend has it after, p50", "ms", 1, each(100, "≤ 100 ms")),
  allSlowest: row("fanout", "the last frontend has it after, slowest", "ms", 1),
  allReceivers: row("fanout", "CPU of all receivers per event, on the same cores", "ms", 2),
  allLost: row("fanout", "copies lost, all have the topic", "", 0, each(0, "0")),
  headsRate: row("heads", "changed durable topics per second", "", 0),
  headsLag: row("heads", "head reports are behind, p50", "ms", 0),
  headsSlowest: row("heads", "head reports are behind, p99", "ms", 0, each(1000, "≤ 1 s")),
  headsPostgres: row("heads", "PostgreSQL CPU of head reports", "cores", 3, each(0.5, "≤ 0.5")),
  headsAppends: row("heads", "PostgreSQL CPU of the appends alone", "cores", 3),
  headsStatements: row("heads", "PostgreSQL statements of head reports per second", "", 1),
  headsDispatchers: row("heads", "CPU of all dispatchers for head reports", "cores", 3),
  gapReads: row("repair", "reads of the log per gap that all see", "", 1, each(3, "≤ 3")),
  gapCalls: row("repair", "calls for pages per gap that all see", "", 1),
  gapLast: row("repair", "the last frontend has the event after", "ms", 0),
  flushSeconds: row("flushall", "all rows are back after", "s", 2, each(10, "≤ 10 s")),
  flushRows: row("flushall", "rows back", "%", 1, undefined),
  flushAnswered: row("flushall", "calls answered meanwhile", "", 0),
  flushRefused: row("flushall", "calls refused at once meanwhile", "", 0),
  flushFailed: row("flushall", "calls refused late or failed", "", 0, each(0, "0")),
  flushRenewals: row("flushall", "renewals refused or failed", "", 0, each(0, "0")),
  flushUnserved: row("flushall", "rows without their event afterwards", "", 0, each(0, "0")),
  rollCalls: row("rolling", "calls over the dispatchers, max / mean", "×", 2, each(1.5, "< 1.5×")),
  rollConnections: row("rolling", "connections, max / mean (processes share theirs)", "×", 2),
  rollFailed: row("rolling", "calls failed during the restarts", "", 0),
} as const satisfies Readonly<Record<string, GrowthRow>>;

export type RowName = keyof typeof ROWS;
