/**
 * A frontend with half of the viewers is killed: how long until they are back on the other one, and
 * is any comment lost or duplicated? All comments are checked at every viewer, including those that
 * stayed. The viewers are EventSources: they wait as long as the frontend told each of them at its
 * connect.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../testing/free-port.ts";
import type { Benchmark } from "../harness/benchmark.ts";
import type { BenchCluster } from "../harness/cluster.ts";
import { readMetrics } from "../harness/metrics.ts";
import { count, ms } from "../report.ts";

const CONFIGURATION = fileURLToPath(new URL("../../deploy/proxy/haproxy.cfg", import.meta.url));
const KILL_AFTER_MS = 6000;
const BACK_MS_MAX = 5000;
/** Two descriptors per viewer, within what a process may open. */
const PROXY_CONNECTIONS_MAX = 9000;

const benchmark: Benchmark = {
  name: "frontend-killed",
  about:
    "kill -9 of one of two frontends with 5,000 viewers behind HAProxy: all back " +
    "within 5 s, nothing durable missed",
  async run(bench) {
    const cluster = await bench.cluster({ frontends: 2 });
    const proxy = await startHaproxy(cluster);
    try {
      const [victim] = cluster.of("frontend");
      const connections = bench.size(500, 5000);
      let cut = 0;
      setTimeout(async () => {
        if (victim === undefined) return;
        cut = (await readMetrics([victim.url]))("ovation_frontend_connections");
        process.kill(victim.pid, "SIGKILL");
      }, KILL_AFTER_MS);
      const server = {
        name: "cluster",
        url: proxy.url,
        target: "ovation-comments",
        token: cluster.token,
        pids: () => cluster.pids(),
        stop: async () => {},
      };
      const { report } = await bench.load(server, {
        connections,
        rate: 20,
        duration: 14,
        warmup: 1,
        durable: true,
        ramp: 1,
      });
      const { reconnects, checks } = report;
      bench.figure({
        what: "viewers that came back",
        value:
          `${count(reconnects.count)} of the ${count(cut)} that were cut: p50 ` +
          `${ms(reconnects.latency.p50Ms)}, the last after ` +
          `${ms(reconnects.latency.maxMs)}`,
        target: "all within 5 s",
        ok:
          cut > 0 &&
          reconnects.count === cut &&
          reconnects.latency.maxMs <= BACK_MS_MAX &&
          report.connect.absentAtEnd === 0,
      });
      bench.figure({
        what: `of ${count(report.publish.published)} comments missed by any viewer`,
        value: count(checks.lost),
        target: "0",
        ok: checks.lost === 0,
      });
      bench.figure({
        what: "twice or out of order",
        value: count(checks.duplicates + checks.disordered),
        target: "0",
        ok: checks.duplicates + checks.disordered === 0,
      });
      if (!report.ok) bench.note(report.problems.join("; "));
    } finally {
      await proxy.stop();
    }
  },
};

/** HAProxy from Debian, with the file of `deploy/` and this cluster's ports. */
async function startHaproxy(
  cluster: BenchCluster,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const [first, second] = cluster.of("frontend");
  const ports = {
    "8081": first?.url,
    "8082": second?.url,
    "8091": cluster.of("dispatcher")[0]?.url,
    "8092": cluster.of("comments")[0]?.url,
  };
  let text = (await readFile(CONFIGURATION, "utf8"))
    .replace("bind :8080", `bind 127.0.0.1:${port}`)
    .replace("maxconn 200000", `maxconn ${PROXY_CONNECTIONS_MAX}`);
  for (const [named, url] of Object.entries(ports))
    text = text.replaceAll(`127.0.0.1:${named}`, new URL(url ?? "").host);
  const directory = await mkdtemp(join(tmpdir(), "ovation-haproxy-"));
  const file = join(directory, "haproxy.cfg");
  await Bun.write(file, text);
  const path = `${process.env["PATH"]}:/usr/sbin`;
  const child = Bun.spawn([Bun.which("haproxy", { PATH: path }) ?? "haproxy", "-db", "-f", file], {
    env: { ...process.env, PATH: path },
    stdio: ["ignore", "ignore", "ignore"],
  });
  // Its first check of the servers takes a second.
  await Bun.sleep(1500);
  if (child.exitCode !== null)
    throw new Error(
      `haproxy ended with ${child.exitCode}: haproxy -c -f deploy/proxy/haproxy.cfg says why`,
    );
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export default benchmark;
