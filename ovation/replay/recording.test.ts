import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { formatDuration, parseDuration } from "./duration.ts";
import {
  LINE_BYTES_MAX,
  OFFSET_SECONDS_MAX,
  PLACES_SHOWN_MAX,
  SORTED_COMMENTS_MAX,
  SORTED_PARTS_MAX,
  SORTED_TEXT_CHARACTERS_MAX,
} from "./limits.ts";
import { openRecording } from "./open-recording.ts";
import {
  checkRecording,
  type RecordedComment,
  type Recording,
  RecordingError,
} from "./recording.ts";
import { type SortLimits, sortRecording } from "./sorted-recording.ts";
import { prepareName, prepareText } from "./text.ts";
import { inTimeOrder } from "./time-order.ts";

const directory = mkdtempSync(join(tmpdir(), "ovation-recordings-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

async function read(path: string): Promise<RecordedComment[]> {
  return await Array.fromAsync((await openRecording(path)).comments());
}

/** What the reader of the file is told of odd items. */
async function notesOf(path: string) {
  const leftOut: string[] = [];
  const corrected: string[] = [];
  const recording = await openRecording(path);
  const comments = await Array.fromAsync(
    recording.comments({
      leftOut: (where, why) => leftOut.push(`${where}: ${why}`),
      corrected: (where, what) => corrected.push(`${where}: ${what}`),
    }),
  );
  return { comments, leftOut, corrected };
}

/** The message of the error that reading the file ends with, without the directory. */
async function complaint(path: string): Promise<string> {
  const error: unknown = await read(path).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RecordingError);
  return (error as Error).message.replaceAll(`${directory}/`, "");
}

const chat = (comments: unknown) => JSON.stringify({ streamer: { name: "x" }, comments });
const twitch = (
  offset: number,
  name: string | null,
  body: string,
  badges: readonly string[] = [],
) => ({
  content_offset_seconds: offset,
  commenter: name === null ? null : { display_name: name },
  message: {
    body,
    user_color: "#123456",
    user_badges: badges.map((_id) => ({ _id, version: "1" })),
  },
});

describe("JSON Lines", () => {
  test("each line is a comment; empty lines and other members are left alone", async () => {
    const path = file(
      "a.jsonl",
      '{"offset":1.5,"author":"Ana","text":"hi","colour":"red"}\n\n' +
        '{"offset":2,"author":"نور","text":"🌌","role":"host"}',
    );
    expect(await read(path)).toEqual([
      { offsetSeconds: 1.5, author: "Ana", text: "hi", role: "member", where: "line 1" },
      { offsetSeconds: 2, author: "نور", text: "🌌", role: "host", where: "line 3" },
    ]);
  });

  test("is known by its first line where the name does not tell", async () => {
    expect(
      (
        await openRecording(
          file(
            "b.log",
            `{"offset":1,"author":"A","text":"x"}\n{"offset":2,"author":"A","text":"y"}\n`,
          ),
        )
      ).form,
    ).toBe("JSON Lines");
  });

  test("a file larger than a chunk is read whole, with characters cut by chunks", async () => {
    const line = (index: number) =>
      `{"offset":${index},"author":"é${index}","text":"${"🌌".repeat(40)}"}\n`;
    const path = file(
      "long.jsonl",
      Array.from({ length: 3000 }, (_, index) => line(index)).join(""),
    );
    const comments = await read(path);
    expect(comments).toHaveLength(3000);
    expect(
      comments.every((each, index) => each.author === `é${index}` && each.text === "🌌".repeat(40)),
    ).toBe(true);
  });

  test("a line that cannot be read is left out and named, and the others are read", async () => {
    const good = (index: number) => `{"offset":${index},"author":"A","text":"${index}"}`;
    const lines = [
      good(0),
      `{"offset":1,`,
      `[1]`,
      `{"offset":"soon","author":"A","text":"x"}`,
      `{"offset":1e300,"author":"A","text":"x"}`,
      `{"author":"A","text":"x"}`,
      `{"offset":1,"author":"A","text":{"body":"x"}}`,
      `"${"x".repeat(3 * LINE_BYTES_MAX)}"`,
      good(8),
      `"${"x".repeat(LINE_BYTES_MAX + 1)}`,
    ];
    const { comments, leftOut, corrected } = await notesOf(file("c.jsonl", lines.join("\n")));
    expect(comments.map(({ text }) => text)).toEqual(["0", "8"]);
    expect(comments.map(({ where }) => where)).toEqual(["line 1", "line 9"]);
    expect(leftOut).toEqual([
      "line 2: not JSON",
      "line 3: no object",
      `line 4: "offset" is "soon"`,
      `line 5: "offset" is 1e+300`,
      `line 6: "offset" is nothing`,
      `line 7: "text" is {"body":"x"}`,
      `line 8: longer than ${LINE_BYTES_MAX} characters`,
      `line 10: longer than ${LINE_BYTES_MAX} characters`,
    ]);
    expect(corrected).toEqual([]);
  });

  test("odd values are corrected and reported; a time before zero is a time", async () => {
    const lines = [
      `{"offset":-3.5,"author":"A","text":"before"}`,
      `{"offset":"1:02:03","author":7,"text":8}`,
      `{"offset":"-2","author":null,"text":"x","role":"king"}`,
      `{"offset":1,"text":"y","role":null}`,
    ];
    const { comments, leftOut, corrected } = await notesOf(file("odd.jsonl", lines.join("\r\n")));
    expect(
      comments.map(({ offsetSeconds, author, text }) => [offsetSeconds, author, text]),
    ).toEqual([
      [-3.5, "A", "before"],
      [3723, "7", "8"],
      [-2, "someone", "x"],
      [1, "someone", "y"],
    ]);
    expect(leftOut).toEqual([]);
    expect(corrected).toEqual([
      "line 2: a time as text, a number as text, a number as author",
      "line 3: a time as text, no author, an unknown role",
      "line 4: no author",
    ]);
  });
});

describe("chat.json", () => {
  test("comments, deleted accounts and badges", async () => {
    const path = file(
      "chat.json",
      chat([
        twitch(3, "Ana", "hi", ["subscriber", "moderator"]),
        twitch(4.5, null, "gone"),
        twitch(5, "Host", "hello", ["broadcaster"]),
      ]),
    );
    expect(await read(path)).toEqual([
      { offsetSeconds: 3, author: "Ana", text: "hi", role: "moderator", where: "comment 1" },
      { offsetSeconds: 4.5, author: "someone", text: "gone", role: "member", where: "comment 2" },
      { offsetSeconds: 5, author: "Host", text: "hello", role: "host", where: "comment 3" },
    ]);
  });

  test("written over many lines it is still one", async () => {
    expect(
      (
        await openRecording(
          file("pretty.json", JSON.stringify({ comments: [twitch(0, "A", "x")] }, null, 2)),
        )
      ).form,
    ).toBe("chat.json");
  });

  test("what cannot be read is named with file and place", async () => {
    expect(await complaint(file("h.json", "nonsense"))).toStartWith("h.json: not JSON");
    expect(await complaint(file("i.json", `{"messages":\n[]}`))).toStartWith(
      `i.json: no list "comments"`,
    );
    expect(await complaint(join(directory, "absent.json"))).toBe(
      "absent.json: there is no such file",
    );
  });
});

test("an unreadable item of a chat.json is left out and named", async () => {
  const { comments, leftOut, corrected } = await notesOf(
    file(
      "j.json",
      chat([
        twitch(-1, "A", "x"),
        { content_offset_seconds: 1 },
        null,
        { ...twitch(2, "A", "x"), content_offset_seconds: null },
        { ...twitch(3, "B", "y"), commenter: "B" },
        { ...twitch(4, "C", "z"), message: { body: "z", user_badges: "host" } },
      ]),
    ),
  );
  expect(comments.map(({ author, text }) => [author, text])).toEqual([
    ["A", "x"],
    ["someone", "y"],
    ["C", "z"],
  ]);
  expect(leftOut).toEqual([
    `comment 2: "message.body" is nothing`,
    "comment 3: no object",
    `comment 4: "content_offset_seconds" is null`,
  ]);
  expect(corrected).toEqual(["comment 5: no author"]);
});

test("the samples of the repository are whole recordings", async () => {
  const lines = await checkRecording(await openRecording(join(import.meta.dir, "sample.jsonl")));
  expect(lines.comments).toBeGreaterThan(300);
  expect(lines.lastSeconds).toBeGreaterThan(170);
  expect(
    (await checkRecording(await openRecording(join(import.meta.dir, "sample.chat.json")))).comments,
  ).toBeGreaterThan(20);
});

test("within the window comments are in order of time, then of the file", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 60 }), async (offsets) => {
      async function* source() {
        for (const [index, offset] of offsets.entries())
          yield {
            offsetSeconds: offset,
            author: "A",
            text: "",
            role: "member" as const,
            where: `line ${index}`,
          };
      }
      const ordered = await Array.fromAsync(inTimeOrder(source(), 60));
      const expected = offsets
        .map((offset, index) => [offset, `line ${index}`] as const)
        .sort((one, other) => one[0] - other[0]);
      expect(ordered.map((each) => [each.offsetSeconds, each.where] as const)).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});

test("a recording in any order is sorted by parts, then by the order of the file", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 60 }),
      async (offsets) => {
        const recording: Recording = {
          form: "JSON Lines",
          async *comments() {
            for (const [index, offsetSeconds] of offsets.entries())
              yield {
                offsetSeconds,
                author: "A",
                text: "\u2028é",
                role: "member",
                where: `line ${index}`,
              };
          },
        };
        const limits = { comments: 4, characters: 1_000, parts: 3 };
        const sorted = await Array.fromAsync(sortRecording(recording, limits).comments());
        const expected = offsets
          .map((offset, index) => [offset, `line ${index}`] as const)
          .sort((one, other) => one[0] - other[0]);
        expect(sorted.map((each) => [each.offsetSeconds, each.where] as const)).toEqual(expected);
        expect(sorted.every((each) => each.text === "\u2028é")).toBe(true);
      },
    ),
    { numRuns: 30 },
  );
});

test("at the limits of a sort parts are written, and so many parts become one", async () => {
  const partsOf = async (comments: number, characters: number, limits?: SortLimits) => {
    const recording: Recording = {
      form: "JSON Lines",
      async *comments() {
        const text = "x".repeat(characters);
        for (let index = comments; index > 0; index--)
          yield { offsetSeconds: index, author: "A", text, role: "member", where: `line ${index}` };
      },
    };
    const before = readdirSync(tmpdir());
    for await (const first of sortRecording(recording, limits).comments()) {
      expect(first.offsetSeconds).toBe(1);
      const [made = ""] = readdirSync(tmpdir()).filter(
        (name) => name.startsWith("ovation-replay-parts") && !before.includes(name),
      );
      return readdirSync(join(tmpdir(), made)).length;
    }
    return 0;
  };
  expect(await partsOf(SORTED_COMMENTS_MAX, 1)).toBe(1);
  expect(await partsOf(SORTED_COMMENTS_MAX + 1, 1)).toBe(2);
  expect(await partsOf(5, Math.ceil(SORTED_TEXT_CHARACTERS_MAX / 4))).toBe(2);
  const small = { comments: 1, characters: 1_000, parts: SORTED_PARTS_MAX };
  expect(await partsOf(SORTED_PARTS_MAX - 1, 1, small)).toBe(SORTED_PARTS_MAX - 1);
  expect(await partsOf(SORTED_PARTS_MAX, 1, small)).toBe(1);
}, 30_000);

test("a time too far from zero is left out; of many odd items the first are shown", async () => {
  const line = (offset: number) => `{"offset":${offset},"author":"A","text":"x"}`;
  const path = file(
    "far.jsonl",
    [
      line(OFFSET_SECONDS_MAX),
      line(-OFFSET_SECONDS_MAX),
      ...Array.from({ length: 9 }, () => line(OFFSET_SECONDS_MAX * 1.01)),
    ].join("\n"),
  );
  const summary = await checkRecording(await openRecording(path));
  expect(summary).toMatchObject({ comments: 2, isOrdered: true, leftOut: { count: 9 } });
  expect(summary.leftOut.first).toHaveLength(PLACES_SHOWN_MAX);
});

test("a sort leaves no file behind, also where its reader stops half-way", async () => {
  const parts = () =>
    readdirSync(tmpdir()).filter((name) => name.startsWith("ovation-replay-part"));
  const before = parts();
  const recording = sortRecording(await openRecording(join(import.meta.dir, "sample.jsonl")), {
    comments: 10,
    characters: 1_000_000,
    parts: 4,
  });
  for await (const _ of recording.comments()) {
    expect(parts().length).toBe(before.length + 1);
    break;
  }
  expect(parts()).toEqual(before);
});

test("any prepared text is one well-formed line of at most 200 code points", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 500 }), (recorded) => {
      const { text } = prepareText(recorded);
      expect([...text].length).toBeLessThanOrEqual(200);
      expect(text.isWellFormed()).toBe(true);
      expect(text).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      expect([...prepareName(recorded)].length).toBeWithin(1, 41);
    }),
    { numRuns: 300 },
  );
});

test("an emoji of several code points is not cut in the middle", () => {
  const family = "👨‍👩‍👧‍👦";
  expect(prepareText(`${"x".repeat(197)}${family}`).text).toBe("x".repeat(197));
});

test("times are read as people write them", () => {
  expect(["600", "10:00", "00:10:00", "1:02:03.5", "90.5"].map(parseDuration)).toEqual([
    600, 600, 600, 3723.5, 90.5,
  ]);
  expect(["", "x", "1:60", "-1", "1:2:3:4"].map(parseDuration)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(formatDuration(3723.9)).toBe("1:02:03");
});
