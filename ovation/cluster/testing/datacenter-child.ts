/**
 * A small data centre that knows nothing of the test that started it: Redis, a dispatcher, a
 * frontend and comments, in whatever network namespace this process was put. Says that it is there;
 * takes one line of JSON, a {@link DatacenterPlan}; answers one, the {@link DatacenterPorts}; ends
 * everything with its standard input, so also when the test is killed.
 */

import { startRedis } from "../../../testing/redis.ts";
import { type ClusterProcess, startProcess } from "../cluster-process.ts";

export interface DatacenterPlan {
  readonly name: string;
  /** Where the listeners are, public and internal. */
  readonly host: string;
  /** The dispatcher's. */
  readonly internalPort: number;
  /**
   * Internal URLs of all dispatchers, this one's own among them, without the names of their data
   * centres.
   */
  readonly peers: readonly string[];
  readonly database: string;
  readonly secret: string;
  readonly internalSecret: string;
}

export interface DatacenterPorts {
  readonly frontend: number;
  readonly dispatcher: number;
  readonly comments: number;
}

if (import.meta.main) {
  const lines = console[Symbol.asyncIterator]();
  console.log("here");
  const first = await lines.next();
  const untilEnd = async () => {
    while ((await lines.next()).done !== true);
  };
  if (first.done !== true) await serve(JSON.parse(first.value) as DatacenterPlan, untilEnd);
  process.exit(0);
}

async function serve(plan: DatacenterPlan, untilEnd: () => Promise<void>): Promise<void> {
  const redis = await startRedis();
  const environment = { OVATION_SECRET: plan.secret, OVATION_INTERNAL_SECRET: plan.internalSecret };
  const running: ClusterProcess[] = [];
  const start = async (
    role: string,
    internal: boolean,
    flags: readonly string[],
  ): Promise<ClusterProcess> => {
    const common = ["--host", plan.host, "--log-level", "error"];
    const onLine = (line: string) => console.error(`${plan.name}/${role}: ${line}`);
    const started = await startProcess({
      name: role,
      role,
      flags: [...common, ...flags],
      environment,
      internal,
      onLine,
    });
    running.push(started);
    return started;
  };
  try {
    const stores = ["--table", redis.url, "--database", plan.database];
    const dispatcher = await start("dispatcher", true, [
      ...[
        ...stores,
        "--datacenter",
        plan.name,
        "--internal-host",
        plan.host,
        "--internal-port",
        String(plan.internalPort),
      ],
      ...plan.peers.flatMap((url) => ["--peer", url]),
    ]);
    const known = ["--dispatcher", dispatcher.internalUrl, "--rate-limits", "off"];
    const [frontend, comments] = await Promise.all([
      start("frontend", true, [...known, "--drain-seconds", "1"]),
      start("comments", false, [...known, ...stores]),
    ]);
    const portOf = ({ url }: ClusterProcess) => Number(new URL(url).port);
    const ports: DatacenterPorts = {
      frontend: portOf(frontend),
      dispatcher: portOf(dispatcher),
      comments: portOf(comments),
    };
    console.log(JSON.stringify(ports));
    await untilEnd();
  } finally {
    await Promise.all(running.map((one) => one.stop()));
    await redis.stop();
  }
}
