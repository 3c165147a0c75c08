/** `kill -9` between comments: each acknowledged one is there, once, at its number. */

import { expect, test } from "bun:test";
import { signToken } from "../ovation/tokens/signer.ts";
import { Server } from "../testing/server.ts";
import { until } from "../testing/until.ts";

const SECRET = "a secret that survives a crash, long enough";
const AUTHORS = 20;
const COMMENTS_BEFORE_KILL = 400;

interface Stored {
  readonly seq: number;
  readonly text: string;
  readonly clientId: string;
}

test("acknowledged comments survive a kill -9, without hole or repeat, with retries", async () => {
  const options = ["--secret", SECRET, "--rate-limits", "off", "--log-level", "warn"];
  let server = await Server.start({ flags: options });
  const tokens = await Promise.all(
    Array.from({ length: AUTHORS }, (_, index) =>
      signToken(SECRET, { sub: `author-${index}` }, 600),
    ),
  );
  const acknowledged = new Map<string, number>();
  const unanswered = new Map<string, number>();
  let dead = false;

  async function post(author: number, text: string): Promise<number> {
    const response = await fetch(`${server.url}/v1/videos/crash/comments`, {
      method: "POST",
      headers: { authorization: `Bearer ${tokens[author]}` },
      body: JSON.stringify({ text, clientId: text }),
    });
    if (response.status !== 201) throw new Error(`status ${response.status}`);
    return ((await response.json()) as Stored).seq;
  }

  async function write(author: number): Promise<void> {
    for (let number = 0; !dead; number++) {
      const text = `${author}-${number}`;
      try {
        acknowledged.set(text, await post(author, text));
      } catch {
        // Cut off: whether it was committed is not known, which is what the retry is for.
        unanswered.set(text, author);
      }
    }
  }

  const writers = tokens.map((_, author) => write(author));
  await until(() => acknowledged.size >= COMMENTS_BEFORE_KILL);
  dead = true;
  await server.kill();
  await Promise.all(writers);

  server = await Server.start({ flags: options, directory: server.directory });
  const before = await readAll(server.url);
  for (const [text, seq] of acknowledged)
    expect([text, before.find((each) => each.text === text)?.seq]).toEqual([text, seq]);
  for (const [text, author] of unanswered) await post(author, text);
  for (const [text, seq] of [...acknowledged].slice(0, 20))
    expect(await post(Number(text.split("-")[0]), text)).toBe(seq);

  const after = await readAll(server.url);
  expect(after.map(({ seq }) => seq)).toEqual(
    Array.from({ length: after.length }, (_, index) => index + 1),
  );
  expect(new Set(after.map(({ text }) => text)).size).toBe(acknowledged.size + unanswered.size);
  const video = (await (await fetch(`${server.url}/v1/videos/crash`)).json()) as {
    comments: number;
    head: number;
  };
  expect(video).toMatchObject({ comments: after.length, head: after.length });
  await server.stop();
}, 60_000);

async function readAll(url: string): Promise<readonly Stored[]> {
  const all: Stored[] = [];
  for (;;) {
    const response = await fetch(
      `${url}/v1/videos/crash/comments?after=${all.at(-1)?.seq ?? 0}&limit=500`,
    );
    const { comments } = (await response.json()) as { comments: Stored[] };
    if (comments.length === 0) return all;
    all.push(...comments);
  }
}
