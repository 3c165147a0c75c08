/** `ovation load`: the load generator on the command line. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { runLoad } from "./load.ts";
import { LOAD_DEFAULTS, LoadError, type LoadOptions } from "./options.ts";
import { createProgressPrinter } from "./progress.ts";
import { formatReport, type LoadReport } from "./report.ts";
import { formatReportHtml } from "./report-html.ts";
import { TARGETS } from "./targets/mod.ts";

/** The run found loss, duplicates, disorder, or events that were not accepted. */
const EXIT_FAULTS = 1;
/** The run could not be made. */
const EXIT_IMPOSSIBLE = 2;

const EXAMPLES = `
Examples:
  $ ovation start --rate-limits off &
  $ export OVATION_TOKEN=$(ovation token --sub load --publish '*')
  $ ovation load --connections 10000 --rate 100 --duration 20
  $ ovation load --connections 2000 --topics 500 --rate 1000 --publishers 4 --html report.html
  $ ovation load --connections 5000 --durable --cut-at 5 --cut-spread 10 --duration 20
  $ ovation load --connections 10000 --slow 1000 --rate 50 --json - | jq .latency
  $ ovation load --target nchan --url http://127.0.0.1:8081 --connections 10000 --rate 10

Exits with ${EXIT_FAULTS} if events were lost, duplicated or out of order,
with ${EXIT_IMPOSSIBLE} if the run could not be made.
The server must be on this machine (127.0.0.0/8) unless --yes-remote is given.
Every option can be set in the environment:
--topics-per-connection is OVATION_LOAD_TOPICS_PER_CONNECTION.`;

interface Flags extends LoadOptions {
  readonly json?: string;
  readonly html?: string;
  readonly yesRemote: boolean;
}

/** Adds `load` to the program. The action sets `process.exitCode`. */
export function addLoadCommand(program: Command): void {
  const command = program
    .command("load")
    .description("load a server and check what every connection receives");
  const d = LOAD_DEFAULTS;
  const options: Option[] = [
    new Option("--url <address>", "the server").default(d.url),
    new Option("--publish-url <address>", "where to publish, if elsewhere").default(
      d.publishUrl,
      "the server",
    ),
    new Option("--target <kind>", "what kind of server it is")
      .choices(Object.keys(TARGETS))
      .default(d.target),
    numeric("--connections <n>", "viewers", d.connections),
    numeric("--topics <n>", "topics; connection c gets the c-th, and so on in turn", d.topics),
    new Option("--topic-prefix <text>", "topics are this and a number").default(d.topicPrefix),
    numeric("--topics-per-connection <n>", "topics on each connection", d.topicsPerConnection),
    numeric("--rate <n>", "events per second in total; 0 publishes nothing", d.rate),
    numeric("--publishers <n>", "publishers, each with one request in flight", d.publishers),
    numeric("--batch <n>", "events in one request at most (0: as many as are due)", d.batch),
    numeric("--duration <s>", "how long to publish and measure", d.duration),
    numeric("--warmup <s>", "publishing before the measurement", d.warmup),
    numeric(
      "--ramp <s>",
      "time over which connections are opened (0: as fast as accepted)",
      d.ramp,
    ),
    numeric("--settle <s>", "how long to wait at the end for events in flight", d.settle),
    numeric("--size <bytes>", "filler in each event", d.size),
    new Option("--durable", "publish on the durable lane").default(d.durable),
    new Option("--zstd", "connections accept zstd").default(d.zstd),
    new Option("--token <token>", "for publishing: `ovation token --sub load --publish '*'`").env(
      "OVATION_TOKEN",
    ),
    new Option("--connect-token <token>", "for connecting, where topics are not public"),
    numeric(
      "--processes <n>",
      "reader processes (0: as many as the connections need)",
      d.processes,
    ),
    numeric("--slow <n>", "connections more that never read", d.slow),
    new Option(
      "--cut-at <s>",
      "cut all connections at once, so long into the measurement",
    ).argParser(parseNumber),
    numeric(
      "--cut-spread <s>",
      "time over which they come back, each at a random moment",
      d.cutSpread,
    ),
    new Option("--connect-path <template>", "target sse: path of the stream, with {topic}"),
    new Option("--publish-path <template>", "target sse: path to post to, with {topic}"),
    new Option("--json <file>", "write the report as JSON (-: to standard output)"),
    new Option("--html <file>", "write the report as a page with plots"),
    new Option("--yes-remote", "allow a server on another machine").default(false),
  ];
  for (const option of options) {
    if (option.envVar === undefined)
      option.env(`OVATION_LOAD_${option.name().toUpperCase().replaceAll("-", "_")}`);
    command.addOption(option);
  }
  command.addHelpText("after", EXAMPLES).action(async (flags: Flags) => {
    process.exitCode = await act(flags);
  });
}

async function act(flags: Flags): Promise<number> {
  const { json, html, yesRemote, ...given } = flags;
  // With the report on standard output everything else goes to standard error.
  const out = json === "-" ? process.stderr : process.stdout;
  const printer = createProgressPrinter(process.stderr);
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  try {
    const report = await runLoad(
      { ...given, remote: yesRemote },
      { onProgress: (progress) => printer.show(progress), signal: stop.signal },
    );
    printer.clear();
    out.write(`${formatReport(report)}\n`);
    await save(report, json, html);
    return report.ok ? 0 : EXIT_FAULTS;
  } catch (error) {
    printer.clear();
    if (!(error instanceof LoadError)) throw error;
    process.stderr.write(`ovation load: ${error.message}\n`);
    return EXIT_IMPOSSIBLE;
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

async function save(
  report: LoadReport,
  json: string | undefined,
  html: string | undefined,
): Promise<void> {
  if (json === "-") process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else if (json !== undefined) await Bun.write(json, `${JSON.stringify(report, undefined, 2)}\n`);
  if (html !== undefined) await Bun.write(html, await formatReportHtml(report));
}

function numeric(flags: string, description: string, byDefault: number): Option {
  return new Option(flags, description).default(byDefault).argParser(parseNumber);
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("not a number");
  return value;
}
