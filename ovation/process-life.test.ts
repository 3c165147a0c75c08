import { expect, test } from "bun:test";
import { join } from "node:path";

const SCRIPT = `
  import { untilSignal } from ${JSON.stringify(join(import.meta.dir, "process-life.ts"))};
  setInterval(() => undefined, 1000);
  const asked = untilSignal({ warn: (_, text) => console.log(text) });
  console.log("ready");
  console.log(await asked);
`;

test("signals that arrive together are one request to end; a later one ends at once", async () => {
  const child = Bun.spawn([process.execPath, "-e", SCRIPT], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const read = async (part: string) => {
    while (!text.includes(part)) text += (await output.read()).value ?? "";
  };
  await read("ready");
  child.kill("SIGINT");
  await read("SIGINT");
  child.kill("SIGTERM");
  child.kill("SIGINT");
  await Bun.sleep(1200);
  expect(child.exitCode).toBeNull();
  child.kill("SIGINT");
  expect(await child.exited).toBe(1);
  await read("without draining");
}, 20_000);
