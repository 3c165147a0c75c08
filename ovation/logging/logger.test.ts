import { expect, test } from "bun:test";
import { join } from "node:path";

const RUNS = 40;
const MODULE = join(import.meta.dir, "logger.ts");

test("the last line before the process exits is written, every time", async () => {
  const script = `
    import { createLogger } from ${JSON.stringify(MODULE)};
    const logger = createLogger("info");
    process.on("SIGTERM", () => {
      logger.error({ lost: "3 likes" }, "lost by the stop");
      process.exit(1);
    });
    logger.info("up");
    setInterval(() => {}, 1000);`;
  const run = async (): Promise<string> => {
    const child = Bun.spawn([process.execPath, "-e", script], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let output = "";
    for await (const chunk of child.stderr) {
      output += Buffer.from(chunk).toString();
      if (output.includes("up")) child.kill("SIGTERM");
    }
    return `${await child.exited} ${output.includes("3 likes")}`;
  };
  for (let count = 0; count < RUNS; count += 4) {
    const ended = await Promise.all([run(), run(), run(), run()]);
    expect(new Set(ended)).toEqual(new Set(["1 true"]));
  }
}, 60_000);
