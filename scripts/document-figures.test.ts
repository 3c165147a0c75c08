/**
 * What the documents say in figures and names is what the code has: a sentence is written here with
 * the constant in it, metrics are those of the table, and a checker knows the violation that it is
 * named for.
 */

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as client from "../client/limits.ts";
import * as comments from "../comments/limits.ts";
import { CONNECTIONS_MAX, SQLITE_CHECK_BYTES_MAX } from "../database/mod.ts";
import { AUTH_WINDOW_MS } from "../dispatcher/internal/auth.ts";
import { RETIRED_LISTENERS_MAX } from "../dispatcher/internal/retired-listeners.ts";
import * as frontend from "../frontend/limits.ts";
import * as log from "../log/limits.ts";
import { KEY_AGE_MS } from "../log/log.ts";
import * as replay from "../ovation/replay/limits.ts";
import { JWKS_AGE_MAX_MS } from "../ovation/tokens/key-ring.ts";
import { SECRET_BYTES_MIN } from "../ovation/tokens/secret.ts";
import * as protocol from "../protocol/limits.ts";

const ROOT = join(import.meta.dir, "..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
/** Lines may break anywhere. */
const flat = (file: string): string => read(file).replaceAll(/\s+/g, " ");

const number = (value: number): string => value.toLocaleString("en");
const WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
/** Small whole numbers are written as words. */
const word = (value: number): string => {
  const text = WORDS[value];
  if (text === undefined) throw new Error(`${value} is not written as a word`);
  return text;
};
const seconds = (ms: number): number => ms / 1000;
const minutes = (ms: number): number => ms / 60_000;
const hours = (ms: number): number => ms / 3_600_000;
const days = (ms: number): number => ms / 86_400_000;
const kilobytes = (bytes: number): number => bytes / 1024;
const megabytes = (bytes: number): number => bytes / 1024 / 1024;
const { DEFAULT_RATE_RULES: rules, DEFAULT_RECORD_LIVES: lives } = comments;

const SAID: Readonly<Record<string, readonly string[]>> = {
  "docs/guarantees.md": [
    `answered the same, for ${hours(KEY_AGE_MS)} hours`,
    `forgotten ${word(seconds(frontend.LINGER_MS))} seconds after its last viewer`,
    `not replayed: ${number(frontend.REPLAY_EVENTS_PER_REQUEST_MAX)} events in one request`,
    `${megabytes(frontend.REPLAY_BYTES_PER_ADDRESS_MAX)} MB in ` +
      `${word(minutes(frontend.REPLAY_WINDOW_MS))} minutes for one address`,
    `those who missed ${frontend.REPLAY_SMALL_EVENTS_MAX} or fewer`,
    `more than ${megabytes(frontend.REPLAY_BYTES_PER_REQUEST_MAX)} MB is asked to come back`,
    `(as stuck after ${seconds(frontend.STUCK_MS)} s, or for any other reason)`,
    `stored within ${word(seconds(comments.LIKES_UNSTORED_MS_MAX))} seconds, or ` +
      "further ones are refused",
  ],
  "docs/http-api.md": [
    `"heartbeatMs":${protocol.HEARTBEAT_MS}`,
    `more than ${number(frontend.REPLAY_EVENTS_PER_REQUEST_MAX)} events in one request`,
    `or after ${seconds(frontend.POLL_HOLD_MS)} s with none`,
    `the connection stays for ${seconds(frontend.POLL_PARK_MS)} s`,
    `Up to ${kilobytes(frontend.POLL_BUFFER_BYTES_MAX)} KB wait for the next request`,
    `after ${seconds(client.FIRST_EVENT_MS)} s without the first event of a stream, ` +
      `or ${word(client.SILENT_STREAMS_MAX)} streams`,
    `(${minutes(client.POLL_MS.longest) * 1.5} minutes at most)`,
    `at most ${frontend.TOPIC_CHANGES_PER_CONNECTION_MAX} times a minute on one ` +
      `connection and ${number(frontend.TOPIC_CHANGES_PER_ADDRESS_MAX)} times at one ` +
      "address",
    `one address holds at most ${number(frontend.TOPICS_PER_ADDRESS_MAX)} that it opened`,
    `${minutes(frontend.LIFETIME_MAX_MS)} minutes at most`,
    `At most ${number(protocol.EVENT_DATA_BYTES_MAX)} bytes of JSON`,
    `a whole frame stays under ${kilobytes(protocol.FRAME_BYTES_MAX)} KiB`,
    `more than ${protocol.JSON_DEPTH_MAX} levels`,
    `1 to ${protocol.EVENT_TYPE_CHARACTERS_MAX} of \`a-z 0-9 . _ -\``,
    `1 to ${protocol.IDEMPOTENCY_KEY_CHARACTERS_MAX} characters without control characters`,
    `more than ${number(comments.HISTORY_EVENTS_MAX)} of them lie in a row`,
    `\`limit\` ${protocol.HISTORY_PAGE_DEFAULT} where absent, ${protocol.HISTORY_PAGE_MAX} at most`,
    `${kilobytes(protocol.VIEWER_BODY_BYTES_MAX)} KB at most from viewers`,
    `${protocol.COMMENT_CODE_POINTS_MAX} code points are the limit`,
    `1 to ${protocol.IDEMPOTENCY_KEY_CHARACTERS_MAX} printable ASCII`,
    `stored and published ${word(1000 / comments.COUNT_FLUSH_MS)} times a second`,
    `accepted and shown for ${word(seconds(comments.LIKES_UNSTORED_MS_MAX))} seconds`,
    `${protocol.LIKES_PER_REQUEST_MAX} at most in one request`,
    `A connection has ${protocol.TOPICS_PER_CONNECTION_MAX} topics at most`,
    `${megabytes(protocol.PUBLISHER_BODY_BYTES_MAX)} MB and ` +
      `${number(protocol.PUBLISH_EVENTS_MAX)} events at most`,
    `\`limit\` ${comments.VIDEO_LIST_DEFAULT} where absent, ${comments.VIDEO_LIST_MAX} at most`,
  ],
  "docs/members.md": [
    `told every ${seconds(client.TYPING_INTERVAL_MS)} s at most`,
    `"forMs":${comments.TYPING_MS}`,
    `author of the last ${comments.MENTIONED_AMONG} comments`,
    `mentions ${word(comments.MENTIONS_MAX)} people at most`,
    `At most ${number(comments.MESSAGE_CODE_POINTS_MAX)} code points`,
    `blocks ${number(comments.BLOCKS_MAX)} others at most`,
    `${rules.messagesPerMember.burst} messages a minute for each member and ` +
      `${rules.messagesPerAddress.burst} for each address`,
    `${rules.typingPerMember.burst} typing signals in ` +
      `${seconds(rules.typingPerMember.perMs)} s (${rules.typingPerAddress.burst} for ` +
      "an address)",
    `${rules.membersPerMember.burst} receipts, blocks and inbox changes a minute ` +
      `(${rules.membersPerAddress.burst} for an address)`,
    `d = ${seconds(comments.PRESENCE_HEARTBEAT_MS)} s`,
    `ε = ${seconds(comments.PRESENCE_GRACE_MS)} s`,
    `a member's newest ${comments.PRESENCE_AUDIENCE_MAX} conversations`,
    `A time-out is at most ${comments.TIME_OUT_SECONDS_MAX / 86_400} days`,
    `at most ${comments.SANCTIONS_MAX} in a page`,
    `at most ${minutes(comments.ADDRESS_SANCTION_MS_MAX)} minutes`,
    `for ${hours(comments.GUEST_ADDRESS_MS)} hours after the last comment`,
  ],
  "docs/replay.md": [
    `or more than ${kilobytes(replay.LINE_BYTES_MAX)} KB`,
    `longer than ${protocol.COMMENT_CODE_POINTS_MAX} code points`,
    `more than ${replay.REORDER_WINDOW} places late`,
    `at most ${number(replay.SORTED_COMMENTS_MAX)} comments ` +
      `(${megabytes(replay.SORTED_TEXT_CHARACTERS_MAX)} million characters)`,
    `more than ${megabytes(replay.CHAT_JSON_BYTES_MAX)} MB`,
    `with the first ${word(replay.PLACES_SHOWN_MAX)} places`,
  ],
  "docs/beside-your-login.md": [
    `Under ${SECRET_BYTES_MIN} bytes it is refused`,
    `1 to ${protocol.TOPIC_ID_CHARACTERS_MAX} of \`A-Z a-z`,
    `stops counting within ${word(minutes(JWKS_AGE_MAX_MS))} minutes`,
  ],
  "docs/operating/cluster.md": [
    `have ${SECRET_BYTES_MIN} bytes at least`,
    `good once and for ${seconds(AUTH_WINDOW_MS)} seconds`,
    `clocks within ${seconds(AUTH_WINDOW_MS)} s of each other`,
    // The log, and the stores of videos and of members.
    `${log.POSTGRES_APPENDS_MAX + log.POSTGRES_READS_MAX + 2 * CONNECTIONS_MAX} ` +
      "connections for each dispatcher and comments process",
  ],
  "docs/operating/reload.md": [
    `the ${WORDS[RETIRED_LISTENERS_MAX + 1]?.replace(/e$/, "")}th replacement`,
  ],
  "docs/operating/backup.md": [`up to ${megabytes(SQLITE_CHECK_BYTES_MAX)} MB`],
  "docs/operating/upgrade.md": [
    `not used for ${days(lives.unlistedVideosMs)} days (${days(lives.likedVideosMs)} ` +
      "where they were only liked)",
    `more than ${number(protocol.EVENT_DATA_BYTES_MAX)} bytes of \`data\``,
    `${seconds(client.LOAD_AHEAD_MS)} s after it is connected`,
  ],
  "docs/operating/metrics.md": [
    `did not come back in ${word(seconds(frontend.PROBE_LOST_MS))} seconds`,
  ],
  "docs/operating/data-lives.md": [
    `${days(lives.guestsMs)} days after they were last here`,
    `${days(lives.endedSanctionsMs)} days after their end`,
  ],
};

test.each(Object.keys(SAID))("the figures of %s are those of the code", (file) => {
  const text = flat(file);
  expect((SAID[file] ?? []).filter((sentence) => !text.includes(sentence))).toEqual([]);
});

const documents = [
  "README.md",
  "ARCHITECTURE.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

test("a metric that a document names is in the table of docs/operating/metrics.md", () => {
  const table = read("docs/operating/metrics.md").matchAll(/^\| `([a-z_]+)`/gm);
  const known = [...table].map(([, name = ""]) => name);
  expect(known.length).toBeGreaterThan(50);
  const named = documents.flatMap((file) =>
    [...read(file).matchAll(/`(ovation_[a-z_]+|…_[a-z_]+)[`{*…]/g)].map(([, name = ""]) => ({
      file,
      name,
    })),
  );
  expect(named.length).toBeGreaterThan(50);
  const isKnown = (name: string): boolean =>
    known.some((each) => {
      if (name.startsWith("…")) return each.includes(name.slice(1));
      return each === name || (name.endsWith("_") && each.startsWith(name));
    });
  // Tables and the schema of the database are of another page.
  const isTable = (name: string): boolean =>
    read("docs/operating/data-lives.md").includes(`\`${name}\``) && !name.includes("_total");
  expect(named.filter(({ name }) => !isKnown(name) && !isTable(name))).toEqual([]);
});

test("a checker that docs/guarantees.md names for a violation knows it", () => {
  const folder = "ovation/faults/checkers";
  const named = flat("docs/guarantees.md").matchAll(
    /`(?:ovation\/faults\/checkers\/)?([a-z-]*checker\.ts)` \(([^)]*)\)/g,
  );
  const claims = [...named].flatMap(([, file = "", kinds = ""]) =>
    [...kinds.matchAll(/`([a-z-]+)`/g)].map(([, kind = ""]) => ({ file, kind })),
  );
  expect(claims.length).toBeGreaterThan(6);
  expect(
    claims.filter(({ file, kind }) => !read(`${folder}/${file}`).includes(`"${kind}"`)),
  ).toEqual([]);
});

test("docs/http-api.md names each reason of a reconnect", () => {
  const reasonsIn = (file: string, type: string): readonly string[] => {
    const [, union = ""] = new RegExp(`export type ${type} =([^;]+);`).exec(read(file)) ?? [];
    return [...union.matchAll(/"([a-z-]+)"/g)].map(([, reason = ""]) => reason);
  };
  // The client that left is told nothing, nor is the one that reads nothing.
  const isTold = (reason: string): boolean => reason !== "left" && reason !== "stuck";
  const reasons = [
    ...reasonsIn("frontend/connections/connection.ts", "CloseReason"),
    ...reasonsIn("frontend/connections/admission.ts", "Refusal"),
  ];
  expect(reasons.length).toBeGreaterThan(10);
  const [, row = ""] = /^\| `reconnect`(.*)$/m.exec(read("docs/http-api.md")) ?? [];
  expect(reasons.filter((reason) => isTold(reason) && !row.includes(`\`${reason}\``))).toEqual([]);
});
