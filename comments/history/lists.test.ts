/** Every route that answers a list can be read to its end, in pages of any size, each row once. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { toJsonText, topicOf } from "@ovation/protocol";
import { type Harness, startHarness } from "../testing/harness.ts";

const ROWS = 7;
let harness: Harness;
beforeEach(async () => {
  harness = await startHarness();
});
afterEach(() => harness.close());

type Row = Readonly<Record<string, unknown>>;

async function pageOf(path: string, parameters: string): Promise<Row> {
  const { status, body } = await harness.call("GET", `${path}${parameters}`, "mona.moderator");
  expect(status).toBe(200);
  return body as unknown as Row;
}

/** By `next` and `cursor`. */
async function walk(path: string, field: string, limit: number): Promise<Row[]> {
  const rows: Row[] = [];
  let next: unknown;
  do {
    const cursor = next === undefined ? "" : `&cursor=${encodeURIComponent(String(next))}`;
    const body = await pageOf(path, `${path.includes("?") ? "&" : "?"}limit=${limit}${cursor}`);
    const page = body[field] as Row[];
    expect(page.length).toBeLessThanOrEqual(limit);
    if (body["next"] !== undefined) expect(page).toHaveLength(limit);
    rows.push(...page);
    next = body["next"];
  } while (next !== undefined);
  return rows;
}

/** By numbers and `before`. */
async function walkNumbers(
  path: string,
  field: string,
  number: string,
  limit: number,
): Promise<Row[]> {
  const rows: Row[] = [];
  let before = "";
  for (;;) {
    const page = (await pageOf(path, `?limit=${limit}${before}`))[field] as Row[];
    if (page.length === 0) return rows;
    rows.unshift(...page);
    before = `&before=${String(page[0]?.[number])}`;
  }
}

const LISTS: readonly {
  readonly path: string;
  readonly field: string;
  fill(row: number): Promise<unknown>;
  idOf(row: Row): unknown;
  readonly number?: string;
}[] = [
  {
    path: "/v1/videos",
    field: "videos",
    fill: (row) => harness.options.store.put(`v${row}`, {}, 1_000),
    idOf: (row) => row["id"],
  },
  {
    path: "/v1/sanctions",
    field: "sanctions",
    fill: (row) =>
      harness.call("PUT", `/v1/members/m${row}/sanction`, "mona.moderator", { kind: "ban" }),
    idOf: (row) => row["member"],
  },
  {
    path: "/v1/blocks",
    field: "members",
    fill: (row) => harness.call("PUT", `/v1/members/m${row}/block`, "mona.moderator"),
    idOf: (row) => row["id"],
  },
  {
    path: "/v1/conversations",
    field: "conversations",
    fill: (row) =>
      harness.options.members?.conversations.record({
        from: `m${row}`,
        to: "mona",
        number: 1,
        at: 1_000,
        text: "hello",
      }) ?? Promise.reject(new Error("no members")),
    idOf: (row) => (row["with"] as Row)["id"],
  },
  {
    path: "/v1/videos/a/comments",
    field: "comments",
    number: "seq",
    fill: (row) =>
      harness.call("POST", "/v1/videos/a/comments", "ada.host", { text: `comment ${row}` }),
    idOf: (row) => row["seq"],
  },
  {
    path: "/v1/members/ada/messages",
    field: "messages",
    number: "n",
    fill: (row) =>
      harness.call("POST", "/v1/members/mona/messages", "ada.host", { text: `message ${row}` }),
    idOf: (row) => row["n"],
  },
  {
    path: "/v1/notifications",
    field: "notifications",
    number: "seq",
    fill: () =>
      harness.options.log.append([
        {
          topic: topicOf("member", "mona"),
          type: "notification",
          at: 1,
          data: toJsonText({ kind: "restored" }),
        },
      ]),
    idOf: (row) => row["seq"],
  },
];

for (const { path, field, number, fill, idOf } of LISTS) {
  test(`GET ${path} can be read to its end, each row once`, async () => {
    for (let row = 0; row < ROWS; row++) await fill(row);
    for (const limit of [1, 2, 3, ROWS, 100]) {
      const rows =
        number === undefined
          ? await walk(path, field, limit)
          : await walkNumbers(path, field, number, limit);
      expect(rows).toHaveLength(ROWS);
      expect(new Set(rows.map(idOf)).size).toBe(ROWS);
    }
  });
}

test("every route that answers a list is in this file", () => {
  const lists = harness.comments.routes
    .filter(({ method, path }) => method === "GET" && /s$/.test(path))
    .map(({ path }) => path.replace("/videos/:id", "/videos/a").replace(":id", "ada"));
  expect(lists.sort()).toEqual(LISTS.map(({ path }) => path).sort());
});

test("a cursor that is no `next` of an earlier answer is refused", async () => {
  for (const path of ["/v1/videos", "/v1/sanctions", "/v1/blocks", "/v1/conversations"]) {
    for (const cursor of ["nonsense", "1", "-1.a", "1.a%20b", ""]) {
      const { status, body } = await harness.call(
        "GET",
        `${path}?cursor=${cursor}`,
        "mona.moderator",
      );
      expect([path, cursor, status, body.code]).toEqual([path, cursor, 400, "invalid-parameter"]);
    }
  }
});
