import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHAT_JSON_BYTES_MAX } from "./limits.ts";
import { openChatJson } from "./recording-chat-json.ts";

const directory = mkdtempSync(join(tmpdir(), "ovation-chat-json-"));
afterAll(() => rmSync(directory, { recursive: true }));

test("CHAT_JSON_BYTES_MAX: a larger file is refused, with a way out", async () => {
  const path = join(directory, "chat.json");
  const text = '{"comments": []}';
  writeFileSync(path, text);
  expect((await openChatJson(path, text.length)).form).toBe("chat.json");
  expect(openChatJson(path, text.length - 1)).rejects.toThrow("turn it into JSON Lines");
  // A file with a hole: nothing of it is read.
  truncateSync(path, CHAT_JSON_BYTES_MAX + 1);
  await expect(openChatJson(path)).rejects.toThrow("537 MB are more than is read at once");
});
