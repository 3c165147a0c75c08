import { expect, test } from "bun:test";
import { Command } from "commander";
import { addLoadCommand } from "./command.ts";
import { runLoad } from "./load.ts";
import { formatReport } from "./report.ts";
import { formatReportHtml } from "./report-html.ts";
import { startReferenceServer } from "./testing/reference-server.ts";

test("a report reads as a table, as JSON, and as a page that makes no request", async () => {
  const server = startReferenceServer();
  const report = await runLoad({
    url: server.url,
    connections: 5,
    rate: 50,
    duration: 1.2,
    warmup: 0,
    settle: 1,
    token: "very-secret",
  });
  await server.stop();

  expect(formatReport(report)).toContain("nothing lost");
  expect(JSON.stringify(report)).not.toContain("very-secret");
  expect(report.seconds.length).toBeGreaterThan(0);

  const html = await formatReportHtml(report);
  // Booleans, so that a failure does not print the page.
  expect(html.includes("uPlot") && html.includes('id="latency"')).toBe(true);
  expect(html.includes("default-src 'none'")).toBe(true);
  expect(/<(?:link|img|iframe|script src)|url\(|@import/.test(html)).toBe(false);
});

test("the command names its options, their environment variables and examples", () => {
  const program = new Command();
  addLoadCommand(program);
  const command = program.commands.find((each) => each.name() === "load");
  const help = command?.helpInformation() ?? "";
  for (const option of [
    "--connections",
    "--cut-at",
    "--yes-remote",
    "OVATION_LOAD_RATE",
    "OVATION_TOKEN",
    "--html",
  ])
    expect(help).toContain(option);
});
