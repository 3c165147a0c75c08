/** The command itself, as a process, against the real server. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server } from "../../testing/server.ts";
import { signToken } from "../tokens/mod.ts";
import { openRecording } from "./open-recording.ts";

const SAMPLE = join(import.meta.dir, "sample.jsonl");
const SECRET = "a secret of the replay's tests, 32 bytes";
const COMMAND = join(import.meta.dir, "../bin/ovation");

let server: Server;
const directory = mkdtempSync(join(tmpdir(), "ovation-replay-"));

beforeAll(async () => {
  server = await Server.start({ rateLimits: "off", flags: ["--secret", SECRET] });
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function replay(parameters: readonly string[], environment: Record<string, string> = {}) {
  const child = Bun.spawn(
    ["sh", COMMAND, "replay", "--url", server.url, "--data", directory, ...parameters],
    {
      env: { ...process.env, ...environment },
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const [output, errors, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { output, errors, exitCode };
}

interface StoredComment {
  readonly seq: number;
  readonly text: string;
  readonly author: { readonly id: string; readonly name: string; readonly role: string };
}

async function commentsOf(video: string, after = 0): Promise<readonly StoredComment[]> {
  const response = await fetch(
    `${server.url}/v1/videos/${video}/comments?after=${after}&limit=500`,
  );
  return ((await response.json()) as { comments: StoredComment[] }).comments;
}

describe("ovation replay", () => {
  test("puts every comment of the sample into the video, in order, with its author", async () => {
    const { output, exitCode } = await replay([SAMPLE, "--video", "signed", "--speed", "200"], {
      OVATION_SECRET: SECRET,
    });
    expect(exitCode).toBe(0);
    const recorded = await Array.fromAsync((await openRecording(SAMPLE)).comments());
    const stored = await commentsOf("signed");
    expect(stored.map((each) => `${each.author.name}: ${each.text}`)).toEqual(
      recorded.map((each) => `${each.author}: ${each.text}`),
    );
    expect(new Set(stored.map((each) => each.author.id)).size).toBe(
      new Set(recorded.map((each) => each.author)).size,
    );
    expect(stored.find((each) => each.author.name === "Aurora Sessions")?.author.role).toBe("host");
    expect(output).toStartWith(`${recorded.length} comments by `);
  });

  test("reads a chat.json; authors are guests where no secret can sign tokens", async () => {
    const { errors, exitCode } = await replay([
      join(import.meta.dir, "sample.chat.json"),
      "--video",
      "guests",
      "--speed",
      "max",
      "--limit",
      "10",
    ]);
    expect(exitCode).toBe(0);
    expect(errors).toContain("each author as a guest");
    const stored = await commentsOf("guests");
    expect(stored).toHaveLength(10);
    expect(new Set(stored.map((each) => each.author.role))).toEqual(new Set(["guest"]));
  });

  test("odd items, times before zero and a reversed file do not end an import", async () => {
    const lines = Array.from({ length: 2_000 }, (_, index) =>
      JSON.stringify({ offset: index - 10, author: `A${index % 7}`, text: String(index) }),
    );
    lines[100] = `{"offset":90,"author":"A`;
    lines[200] = `{"offset":"190","author":null,"text":"200"}`;
    lines[300] = `{"offset":{},"author":"A","text":"x"}`;
    lines[400] = `{"offset":390,"author":"\u2800\u200b","text":"400"}`;
    const path = join(directory, "odd.jsonl");
    writeFileSync(path, lines.reverse().join("\n"));
    const { output, errors, exitCode } = await replay([path, "--video", "odd", "--speed", "max"], {
      OVATION_SECRET: SECRET,
    });
    expect([exitCode, errors]).toEqual([0, expect.stringContaining("is sorted first")]);
    expect(output).toContain("1998 comments by");
    expect(output).toContain(
      `2 left out, because they cannot be read: line 1700 ("offset" is {}); line 1900 (not JSON)`,
    );
    expect(output).toContain("1 corrected: line 1800 (a time as text, no author)");
    const stored: StoredComment[] = [];
    for (let after = 0; after < 1_998; after = stored.length)
      stored.push(...(await commentsOf("odd", after)));
    const expected = Array.from({ length: 2_000 }, (_, index) => String(index));
    expect(stored.map(({ text }) => text)).toEqual(
      expected.filter((text) => text !== "100" && text !== "300"),
    );
  }, 60_000);

  test("names that the server refuses become others, and the import continues", async () => {
    const hostToken = await signToken(SECRET, { sub: "ada", name: "Ada", role: "host" }, 60);
    const posted = await fetch(`${server.url}/v1/videos/names/comments`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${hostToken}`,
      },
      body: JSON.stringify({ text: "hello" }),
    });
    expect(posted.status).toBe(201);
    const path = join(directory, "names.jsonl");
    const odd = ["🛡️ Host", "\u200b", "x".repeat(90), "Zo\u0065\u0308", ""];
    const authors = ["Ada", "Moderator", ...odd];
    const lines = authors.map((author, offset) => JSON.stringify({ offset, author, text: "hi" }));
    writeFileSync(path, lines.join("\n"));
    const { output, exitCode } = await replay([path, "--video", "names", "--speed", "max"]);
    expect([exitCode, output]).toEqual([
      0,
      expect.stringMatching(/^7 comments by .*3 authors renamed/),
    ]);
    const names = (await commentsOf("names")).slice(1).map(({ author }) => author.name);
    expect(names).toEqual([
      expect.stringMatching(/^Ada [0-9a-f]{4}$/),
      expect.stringMatching(/^(Moderator|viewer) [0-9a-f]{4,6}$/),
      expect.stringMatching(/^(.*Host|viewer) [0-9a-f]{4,6}$/),
      "someone",
      "x".repeat(40),
      "Zoë",
      "someone",
    ]);
  });

  test("a file without a readable item is refused with the reasons", async () => {
    const path = join(directory, "bad.jsonl");
    writeFileSync(path, `{"time":1,"author":"A"}\n\nnonsense\n`);
    const { errors, exitCode } = await replay([path, "--video", "bad", "--speed", "max"]);
    expect(exitCode).toBe(1);
    expect(errors).toContain(
      `none of its 2 items can be read: line 1 ("offset" is nothing); line 3 (not JSON); a line is`,
    );
    expect(errors).not.toContain("    at ");
    expect(await commentsOf("bad")).toEqual([]);
  });

  test("says what to do about a wrong secret and about bad options", async () => {
    const wrong = await replay([SAMPLE, "--video", "x"], {
      OVATION_SECRET: "another secret, as long as the first",
    });
    expect([wrong.exitCode, wrong.errors]).toEqual([
      1,
      expect.stringContaining("is OVATION_SECRET (or --data) the server's own?"),
    ]);
    const option = await replay([SAMPLE, "--video", "x", "--speed", "fast"]);
    expect([option.exitCode, option.errors]).toEqual([
      1,
      expect.stringContaining("a factor above 0, or max"),
    ]);
    const video = await replay([SAMPLE, "--video", "no/slash"]);
    expect([video.exitCode, video.errors]).toEqual([1, expect.stringContaining("not a video id")]);
  });
});
