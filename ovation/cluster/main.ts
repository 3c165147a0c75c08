/** `npm run cluster`: a whole local cluster with the demo on it. */

import { systemClock } from "@ovation/protocol";
import { Command, InvalidArgumentError, Option } from "commander";
import type { LinkConditions } from "../../testing/tcp-proxy.ts";
import { startDemo } from "../demo/mod.ts";
import { untilSignal } from "../process-life.ts";
import { toPort, toPositiveInteger } from "../settings/commander-option.ts";
import { signToken } from "../tokens/mod.ts";
import { type CommandAnswer, listCommands, runCommand, toMs } from "./cluster-commands.ts";
import type { ClusterProcess } from "./cluster-process.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { BANDWIDTH_FORM, parseBandwidth } from "./link-conditions.ts";
import { type LocalCluster, startLocalCluster } from "./local-cluster.ts";
import { formatLogLine } from "./log-line.ts";

interface Options {
  readonly port: number;
  readonly dispatchers: number;
  readonly frontends: number;
  readonly comments: number;
  readonly delay: number;
  readonly jitter?: number;
  readonly bandwidth: number;
  readonly redis: "single" | "cluster";
  readonly logLevel: string;
  readonly demo: boolean;
  readonly datacenters: number;
  readonly control?: true;
  readonly countStatements?: true;
}

const NAMES = ["east", "west"] as const;

const DEMO_TOKEN_TTL_SECONDS = 30 * 24 * 60 * 60;

const program = new Command("cluster")
  .description(
    "two data centres on this machine: dispatchers, frontends, comments, Redis and PostgreSQL as " +
      "real processes, with the demo on them",
  )
  .option(
    "--port <port>",
    "the first data centre's door; the second has the next port",
    toPort,
    8080,
  )
  .option("--dispatchers <n>", "in each data centre", toPositiveInteger, 2)
  .option("--frontends <n>", "in each data centre", toCount, 2)
  .option("--comments <n>", "in each data centre", toCount, 1)
  .option("--delay <ms>", "between the data centres, one way", toLinkMs, 40)
  .option(
    "--jitter <ms>",
    "up to so much more, at random; default: a tenth of the delay, for programs none",
    toLinkMs,
  )
  .addOption(
    new Option("--bandwidth <rate>", `what goes between them, ${BANDWIDTH_FORM}`)
      .argParser(toBandwidth)
      .default(0, "off"),
  )
  .addOption(
    new Option("--redis <form>", "one Redis in each data centre, or a Redis Cluster of three nodes")
      .choices(["single", "cluster"])
      .default("cluster"),
  )
  .addOption(
    new Option("--log-level <level>", "what of the processes' logs is shown")
      .choices(["debug", "info", "warn", "error"])
      .default("warn"),
  )
  .option("--no-demo", "no simulated audience")
  .option("--datacenters <1|2>", "how many", toDatacenters, 2)
  .option("--count-statements", "PostgreSQL keeps pg_stat_statements, where it is installed")
  .option(
    "--control",
    "for programs: no demo, no doors, no rate limits; one line of JSON says what runs where; " +
      "each line of input is a command, answered by one",
  );
program.parse();
const options = program.opts<Options>();
const asked = untilSignal({ warn: () => console.error("asked twice: ending at once") }, [
  "SIGTERM",
  "SIGINT",
  "SIGHUP",
]);
let isAsked = false;
void asked.then(() => {
  isAsked = true;
});
await (options.control ? runControlled(options) : run(options));
process.exit(0);

async function run({ port, demo: withDemo, ...given }: Options): Promise<void> {
  const names = NAMES.slice(0, given.datacenters);
  const ports = names.map((_, index) => (port === 0 ? 0 : port + index));
  for (const each of ports) failIfTaken(each);
  const startedAt = performance.now();
  console.log(`Starting PostgreSQL, Redis and the processes of ${names.join(" and ")} …`);
  const cluster = await start(
    given,
    {
      delayMs: given.delay,
      jitterMs: given.jitter ?? given.delay / 10,
      bytesPerSecond: given.bandwidth,
    },
    "on",
  );
  const gateways = cluster.datacenters.map((datacenter, index) =>
    startGateway(datacenter, ports[index] ?? 0),
  );
  describe(cluster, gateways);
  console.log(
    `  Started in ${((performance.now() - startedAt) / 1000).toFixed(1)} s. Ctrl-C ends it.\n`,
  );
  const sign = (claims: Parameters<typeof signToken>[1]) =>
    signToken(cluster.secret, claims, DEMO_TOKEN_TTL_SECONDS);
  const url = gateways[0]?.url ?? "";
  const demo = withDemo
    ? await startDemo({ url, random: Math.random, clock: systemClock, sign })
    : undefined;
  void takeCommands(cluster, ({ said }) => console.log(said));
  await asked;
  console.log("\nStopping …");
  demo?.stop();
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  await cluster.stop();
}

/** What benchmarks start: see `load/harness/cluster.ts`. Ends with its standard input. */
async function runControlled(given: Options): Promise<void> {
  const cluster = await start(
    given,
    { delayMs: given.delay, jitterMs: given.jitter ?? 0, bytesPerSecond: given.bandwidth },
    "off",
  );
  const plain = ({ name, role, url, internalUrl, pid }: ClusterProcess) => ({
    name,
    role,
    url,
    internalUrl,
    pid,
  });
  const redis = Object.fromEntries(
    cluster.datacenters.map((datacenter) => [datacenter.name, datacenter.redis.url]),
  );
  console.log(
    JSON.stringify({
      secret: cluster.secret,
      internalSecret: cluster.internalSecret,
      redis,
      postgres: cluster.postgres.url,
      processes: [...cluster.processes.values()].map(plain),
    }),
  );
  await Promise.race([
    asked,
    takeCommands(cluster, (answer) => console.log(JSON.stringify(answer))),
  ]);
  // Also where its standard input has ended.
  isAsked = true;
  await cluster.stop();
}

/**
 * Where it is asked to end meanwhile, it does so at once: what has been started goes with this
 * process.
 */
async function start(
  given: Omit<Options, "port" | "demo">,
  link: LinkConditions,
  rateLimits: "on" | "off",
): Promise<LocalCluster> {
  const { dispatchers, frontends, comments, redis, logLevel, datacenters } = given;
  const { countStatements = false } = given;
  let isStarted = false;
  void asked.then(() => isStarted || process.exit(0));
  try {
    const cluster = await startLocalCluster({
      dispatchers,
      frontends,
      comments,
      redis,
      logLevel,
      link,
      rateLimits,
      countStatements,
      datacenters: NAMES.slice(0, datacenters),
      // Asked to end, all of them complain of each other.
      onLine: (name, line) => isAsked || console.error(formatLogLine(name, line)),
      onEnd: (name, how) =>
        isAsked ||
        !isStarted ||
        console.error(`${name} has ended (${how}); start ${name} brings it back`),
    });
    isStarted = true;
    return cluster;
  } catch (error) {
    console.error(`cluster: ${error instanceof Error ? error.message : String(error)}`);
    return process.exit(1);
  }
}

async function takeCommands(
  cluster: LocalCluster,
  answer: (answer: CommandAnswer) => void,
): Promise<void> {
  for await (const line of console) if (line.trim() !== "") answer(await runCommand(cluster, line));
}

/** Before anything starts: what takes seconds should not fail in the end. */
function failIfTaken(port: number): void {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => undefined } }).stop(true);
  } catch {
    console.error(
      `cluster: port ${port} is taken; stop what uses it, or give another one with --port`,
    );
    process.exit(1);
  }
}

/** 0 where a benchmark brings its own. */
function toCount(text: string): number {
  return text === "0" ? 0 : toPositiveInteger(text);
}

function toDatacenters(text: string): number {
  const count = toPositiveInteger(text);
  if (count > NAMES.length) throw new InvalidArgumentError(`at most ${NAMES.length}.`);
  return count;
}

function toLinkMs(text: string): number {
  const ms = toMs(text);
  if (ms === undefined) throw new InvalidArgumentError("needs a number of ms.");
  return ms;
}

function toBandwidth(text: string): number {
  const bytesPerSecond = parseBandwidth(text);
  if (bytesPerSecond === undefined)
    throw new InvalidArgumentError(`it is written ${BANDWIDTH_FORM}.`);
  return bytesPerSecond;
}

function describe(
  { datacenters, link, postgres, secret }: LocalCluster,
  gateways: readonly Gateway[],
): void {
  for (const [index, datacenter] of datacenters.entries()) {
    console.log(`\n  ${datacenter.name.padEnd(6)}${gateways[index]?.url}/watch/demo`);
    for (const { name, url, pid } of [
      ...datacenter.dispatchers,
      ...datacenter.frontends,
      ...datacenter.comments,
    ]) {
      console.log(`        ${name.padEnd(22)}${url}   pid ${pid}`);
    }
    console.log(`        ${"table".padEnd(22)}${datacenter.redis.url}`);
  }
  console.log(`\n  log   ${postgres.url}`);
  console.log(
    `\n  Open ${datacenters.length > 1 ? "both pages" : "the page"}. Then type, and press Enter:`,
  );
  for (const line of listCommands({ link })) console.log(`    ${line}`);
  console.log(`\n  A token for publishing:`);
  console.log(`  OVATION_SECRET=${secret} npx ovation token --sub me --publish '*'\n`);
}
