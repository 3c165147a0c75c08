/** The command itself, as a process, against the real server. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RealServer, startRealServer } from "../../client/testing/real-server.ts";
import { openRecording } from "./open-recording.ts";

const SAMPLE = join(import.meta.dir, "sample.jsonl");
const SECRET = "a secret of the replay's tests, 32 bytes";
const COMMAND = join(import.meta.dir, "../bin/ovation");

let server: RealServer;
const directory = mkdtempSync(join(tmpdir(), "ovation-replay-"));

beforeAll(async () => {
  server = await startRealServer("--rate-limits", "off", "--secret", SECRET);
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

async function commentsOf(video: string): Promise<readonly StoredComment[]> {
  const response = await fetch(`${server.url}/v1/videos/${video}/comments?after=0&limit=500`);
  return ((await response.json()) as { comments: StoredComment[] }).comments;
}

describe("ovation replay", () => {
  test("puts every comment of the sample into the video, in order, with each author's name and role", async () => {
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

  test("takes a chat.json, and lets authors in as guests where nobody can sign", async () => {
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

  test("posts nothing of a file with a bad line, and names the line", async () => {
    const path = join(directory, "bad.jsonl");
    writeFileSync(path, `{"offset":0,"author":"A","text":"x"}\n{"offset":1,"author":"A"}\n`);
    const { errors, exitCode } = await replay([path, "--video", "bad", "--speed", "max"]);
    expect(exitCode).toBe(1);
    expect(errors).toContain(`bad.jsonl:2: "text":`);
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
