/**
 * A report as one self-contained HTML file: uPlot and its style are embedded, no request leaves the
 * page.
 */
import { fileURLToPath } from "node:url";
import { count, fixed, formatReport, type LoadReport, ms } from "./report.ts";

function formatFact([name, value]: readonly [string, string]): string {
  return `<div><dt>${name}</dt><dd>${escapeHtml(value)}</dd></div>`;
}

export async function formatReportHtml(report: LoadReport): Promise<string> {
  const script = await packageText("uplot/dist/uPlot.iife.min.js");
  const style = await packageText("uplot/dist/uPlot.min.css");
  const { latency, measured, connect, checks, options } = report;
  const title = `${count(connect.connections)} connections, ${count(options.rate)} events/s`;
  const facts: [string, string][] = [
    ["deliveries per second", count(measured.deliveriesPerSecond)],
    ["p50", ms(latency.p50Ms)],
    ["p90", ms(latency.p90Ms)],
    ["p99", ms(latency.p99Ms)],
    ["max", ms(latency.maxMs)],
    [
      "lost · duplicate · disordered",
      `${count(checks.lost)} · ${count(checks.duplicates)} · ${count(checks.disordered)}`,
    ],
    ["bytes per delivery", fixed(measured.bytesPerDelivery, 0)],
    ["connected per second", count(connect.perSecond)],
  ];
  const verdict = report.ok ? "No loss, no duplicates, all in order" : report.problems.join("; ");
  const data = JSON.stringify(report).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Load: ${escapeHtml(title)}</title>
<style>${style}${STYLE}</style>
<main>
<header>
  <p class="verdict ${report.ok ? "ok" : "bad"}">${escapeHtml(verdict)}</p>
  <h1>${escapeHtml(title)}</h1>
  <p class="about">${escapeHtml(
    `${options.target} ${options.url} · ${report.startedAt} · ` +
      `${options.durable ? "durable" : "live"} lane${options.zstd ? " · zstd" : ""}`,
  )}</p>
</header>
<dl>${facts.map(formatFact).join("")}</dl>
<section><h2>Latency, second by second (ms)</h2><div id="latency"></div></section>
<section><h2>Percentiles (ms)</h2><div id="percentiles"></div></section>
<section><h2>Deliveries per second, and open connections</h2><div id="deliveries"></div></section>
<section><h2>All figures</h2><pre>${escapeHtml(formatReport(report))}</pre></section>
</main>
<script>${script}</script>
<script type="application/json" id="report">${data}</script>
<script>${PLOTS}</script>
</html>
`;
}

async function packageText(file: string): Promise<string> {
  return await Bun.file(fileURLToPath(import.meta.resolve(file))).text();
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#16181d, #eceef2);
  --soft: light-dark(#5b6270, #a3abb8); --line: light-dark(#e3e6eb, #2c313a);
  --ground: light-dark(#fff, #14161a); --good: light-dark(#0b6b3a, #5fd398);
  --bad: light-dark(#b3261e, #ff8a80); }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 960px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 4px 0; letter-spacing: -0.01em; }
h2 { font-size: 15px; font-weight: 600; margin: 40px 0 8px; }
.about { color: var(--soft); margin: 0; }
.verdict { font-weight: 600; margin: 0; } .ok { color: var(--good); } .bad { color: var(--bad); }
dl { display: grid; grid-template-columns: repeat(4, 1fr); gap: 1px; background: var(--line);
  border: 1px solid var(--line); border-radius: 8px; overflow: hidden; margin: 28px 0 0; }
@media (max-width: 640px) { dl { grid-template-columns: repeat(2, 1fr); } }
dl div { background: var(--ground); padding: 12px 16px; }
dt { color: var(--soft); font-size: 13px; }
dd { margin: 0; font-size: 20px; font-variant-numeric: tabular-nums; }
pre { overflow: auto; padding: 16px; border: 1px solid var(--line); border-radius: 8px;
  font-size: 13px; }
.u-legend { text-align: left; }
`;

/** Runs in the page. Colours for light and dark. */
const PLOTS = `
const report = JSON.parse(document.getElementById("report").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const ink = dark ? "#a3abb8" : "#5b6270", grid = { stroke: dark ? "#2c313a" : "#e3e6eb", width: 1 };
const axis = { stroke: ink, grid, ticks: grid };
const fromZero = (_, low, high) => [0, (high || 1) * 1.05];
const width = () => document.querySelector("main").clientWidth - 40;
const plots = [];
function plot(id, options, data) {
  const place = document.getElementById(id);
  plots.push(new uPlot({ width: width(), height: 260, ...options }, data, place));
}
const colours = ["#2f7fd8", "#18a48c", "#e08a1e", "#d0466b"];
const line = (label, index, more) =>
  ({ label, stroke: colours[index], width: 2, points: { show: false }, ...more });
const seconds = report.seconds.map((each) => each.second);
const column = (name) => report.seconds.map((each) => each[name]);
const timed = report.seconds.map((each) => each.maxMs > 0);
const when = (name) => column(name).map((value, index) => (timed[index] ? value : null));
plot("latency", { scales: { x: { time: false }, y: { range: fromZero } },
  axes: [{ ...axis, label: "s" }, axis],
  series: [{ label: "s" }, line("p50", 0), line("p90", 1), line("p99", 2),
    line("max", 3, { dash: [4, 4], width: 1 })] },
  [seconds, when("p50Ms"), when("p90Ms"), when("p99Ms"), when("maxMs")]);
const points = report.percentiles;
const percentileAt = (tick) =>
  Number.isInteger(tick) && points[tick] ? points[tick].percentile : "";
const percentile = { label: "percentile",
  value: (_, raw) => raw == null ? "" : points[raw].percentile };
plot("percentiles", { scales: { x: { time: false } },
  series: [percentile, line("ms", 0, { points: { show: true } })],
  axes: [{ ...axis, values: (_, ticks) => ticks.map(percentileAt) }, axis] },
  [points.map((_, index) => index), points.map((each) => each.ms)]);
plot("deliveries", {
  scales: { x: { time: false }, y: { range: fromZero }, connections: { range: fromZero } },
  axes: [{ ...axis, label: "s" }, { ...axis, size: 80 },
    { ...axis, side: 1, scale: "connections", size: 70, grid: { show: false } }],
  series: [{ label: "s" }, line("deliveries", 0, { fill: "#2f7fd822" }),
    line("connections", 2, { scale: "connections" })] },
  [seconds, column("deliveries"), column("connected")]);
addEventListener("resize", () => {
  for (const each of plots) each.setSize({ width: width(), height: 260 });
});
`;
