/** `npm run cluster`: a whole local cluster with the demo on it. */

import { systemClock } from "@ovation/protocol";
import { Command } from "commander";
import { toPort, toPositiveInteger } from "../commands/options.ts";
import { startDemo } from "../demo/mod.ts";
import { signToken } from "../tokens/mod.ts";
import type { ClusterProcess } from "./cluster-process.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { type LocalCluster, startLocalCluster } from "./local-cluster.ts";

interface Options {
  readonly port: number;
  readonly dispatchers: number;
  readonly frontends: number;
  readonly comments: number;
  readonly delay: number;
  readonly redis: "single" | "cluster";
  readonly demo: boolean;
  readonly datacenters: number;
  readonly control: boolean;
}

const NAMES = ["east", "west"] as const;

const DEMO_TOKEN_TTL_SECONDS = 30 * 24 * 60 * 60;

const program = new Command("cluster")
  .description(
    "two data centres on this machine: dispatchers, frontends, comments, Redis and PostgreSQL as real processes, with the demo on them",
  )
  .option("--port <port>", "the first data centre's door; the second has the next port", toPort, 8080)
  .option("--dispatchers <n>", "in each data centre", toPositiveInteger, 2)
  .option("--frontends <n>", "in each data centre", toPositiveInteger, 2)
  .option("--comments <n>", "in each data centre", toPositiveInteger, 1)
  .option("--delay <ms>", "between the data centres, one way", Number, 40)
  .option("--redis <single|cluster>", "one Redis in each data centre, or a Redis Cluster of three nodes", "cluster")
  .option("--no-demo", "no simulated audience")
  .option("--datacenters <1|2>", "how many", toPositiveInteger, 2)
  .option(
    "--control",
    "for programs: no demo, no doors, no rate limits; one line of JSON says what runs where; lines `cut` and `heal` are taken",
    false,
  );
program.parse();
await run(program.opts<Options>());

async function run(options: Options): Promise<void> {
  if (options.control) return runControlled(options);
  console.log("Starting PostgreSQL, Redis and the processes of two data centres …");
  const { datacenters, ...counts } = options;
  const cluster = await startLocalCluster({
    ...counts,
    datacenters: NAMES.slice(0, datacenters),
    delayMs: options.delay,
    jitterMs: options.delay / 10,
    onLine: (name, line) => console.error(`${name}: ${line}`),
  });
  const gateways = cluster.datacenters.map((datacenter, index) => startGateway(datacenter, options.port === 0 ? 0 : options.port + index));
  describe(cluster, gateways);
  const sign = (claims: Parameters<typeof signToken>[1]) => signToken(cluster.secret, claims, DEMO_TOKEN_TTL_SECONDS);
  const demo = options.demo ? await startDemo({ url: gateways[0]?.url ?? "", random: Math.random, clock: systemClock, sign }) : undefined;
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  console.log("\nStopping …");
  demo?.stop();
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  await cluster.stop();
  process.exit(0);
}

/** What benchmarks start: see `load/harness/cluster.ts`. Ends with its standard input. */
async function runControlled(options: Options): Promise<void> {
  const { delay, datacenters, ...counts } = options;
  const cluster = await startLocalCluster({
    ...counts,
    datacenters: NAMES.slice(0, datacenters),
    delayMs: datacenters > 1 ? delay : 0,
    rateLimits: "off",
    onLine: (name, line) => console.error(`${name}: ${line}`),
  });
  const plain = ({ name, role, url, pid }: ClusterProcess) => ({ name, role, url, pid });
  const redis = Object.fromEntries(cluster.datacenters.map((datacenter) => [datacenter.name, datacenter.redis.url]));
  console.log(JSON.stringify({ secret: cluster.secret, redis, processes: [...cluster.processes.values()].map(plain) }));
  for await (const line of console) cluster.cutLinks(line.trim() === "cut");
  await cluster.stop();
  process.exit(0);
}

function describe({ datacenters, postgres, secret }: LocalCluster, gateways: readonly Gateway[]): void {
  for (const [index, datacenter] of datacenters.entries()) {
    console.log(`\n  ${datacenter.name.padEnd(6)}${gateways[index]?.url}/watch/demo`);
    for (const { name, url, pid } of [...datacenter.dispatchers, ...datacenter.frontends, ...datacenter.comments]) {
      console.log(`        ${name.padEnd(22)}${url}   pid ${pid}`);
    }
    console.log(`        ${"table".padEnd(22 - 0)}${datacenter.redis.url}`);
  }
  console.log(`\n  log   ${postgres.url}`);
  console.log(`\n  Open both pages. Then kill something: kill -9 a pid above. A token for publishing:`);
  console.log(`  OVATION_SECRET=${secret} npx ovation token --sub me --publish '*'\n`);
}
