import { expect, test } from "bun:test";
import { runLive, type Screen } from "./run-live.ts";

test("output goes to the screen as it comes, and is kept without colours", async () => {
  const shown: string[] = [];
  const screen: Screen = { write: (text) => void shown.push(text) };
  const script = `printf '\\033[32mgreen\\033[0m'; printf ' wrong' >&2; exit 3`;
  const { exitCode, output } = await runLive("sh", ["-c", script], process.env, screen);
  expect(exitCode).toBe(3);
  expect(shown.join("")).toContain("\u001b[32mgreen");
  expect(output).toContain("green");
  expect(output).toContain("wrong");
  expect(output).not.toContain("\u001b");
});
