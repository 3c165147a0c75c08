/**
 * One of two dispatchers is killed at 5,000 events/s: does publishing continue, and what happens to
 * each event?
 */
import { balance, movedAfterMs } from "../harness/balance.ts";
import type { Benchmark } from "../harness/benchmark.ts";
import { runFailoverPublishers, wallClock } from "../harness/failover-publishers.ts";
import { readMetrics } from "../harness/metrics.ts";
import { openWitness, whenQuiet } from "../harness/witness.ts";
import { count, ms } from "../report.ts";

const RATE = 5000;
const TOPICS = Array.from({ length: 16 }, (_, index) => `video:killed-${index}`);
const CLIENTS = 64;
/** 455 a second. */
const DURABLE_EVERY = 11;
/** Until the code of all processes is compiled. */
const WARM_UP_SECONDS = 3;
const QUIET_MS = 2500;
const MOVED_MS_MAX = 1000;
/** Events that a dispatcher may have in flight: those received within this time. */
const IN_FLIGHT_MS_MAX = 100;

const benchmark: Benchmark = {
  name: "dispatcher-killed",
  about:
    "kill -9 of one of two dispatchers at 5,000 events/s: when publishing continues, " +
    "and what happened to every event",
  async run(bench) {
    const cluster = await bench.cluster({ dispatchers: 2, frontends: 2, logLevel: "error" });
    const frontends = cluster.of("frontend").map(({ url }) => url);
    const dispatchers = cluster.of("dispatcher");
    const [dead, left] = dispatchers;
    if (dead === undefined || left === undefined) throw new Error("the cluster lacks a dispatcher");
    const witnesses = await Promise.all(frontends.map((url) => openWitness(url, TOPICS)));
    const seconds = WARM_UP_SECONDS + bench.size(2, 8);
    const publishing = runFailoverPublishers({
      urls: dispatchers.map(({ url }) => url),
      token: cluster.token,
      topics: TOPICS,
      clients: CLIENTS,
      rate: RATE,
      seconds,
      durableEvery: DURABLE_EVERY,
    });
    await Bun.sleep((WARM_UP_SECONDS + (seconds - WARM_UP_SECONDS) / 2) * 1000);
    const killedAt = wallClock();
    process.kill(dead.pid, "SIGKILL");
    const published = await publishing;
    await whenQuiet(witnesses, QUIET_MS);
    for (const witness of witnesses) witness.close();

    const { live, durable, announced, phantoms } = balance(published, witnesses);
    const movedMs = movedAfterMs(published, 0, killedAt);
    const after = published.filter(
      ({ outcome, endedAt }) => outcome === "acknowledged" && endedAt > killedAt,
    );
    const afterSeconds = (Math.max(...after.map(({ endedAt }) => endedAt)) - killedAt) / 1000;
    const perSecond = after.length / afterSeconds;
    bench.figure({
      what: "publishing continues through the other dispatcher",
      value:
        `the last of ${CLIENTS / 2} publishers has a response from it after ` +
        `${ms(movedMs)}; ${count(perSecond)} events/s from the kill on`,
      target: `< ${ms(MOVED_MS_MAX)}, ${count(RATE)}/s`,
      ok: movedMs < MOVED_MS_MAX && perSecond > RATE * 0.95,
    });
    const oldest = Math.max(0, ...live.lost.map(({ endedAt }) => killedAt - endedAt));
    const strangers = live.lost.filter(({ dispatcher }) => dispatcher !== 0).length;
    bench.figure({
      what: "live events acknowledged and lost",
      value:
        `${count(live.lost.length)} of ${count(live.acknowledged)}, acknowledged by the ` +
        `dead one ${ms(oldest)} before its end at the earliest; ` +
        `${count(live.unanswered)} more without an answer ` +
        `(${count(live.unansweredSeen)} of them came), refused ${count(live.refused)}`,
      target: `those in flight: at most ${ms(IN_FLIGHT_MS_MAX)} of its events, none of the other's`,
      ok: strangers === 0 && oldest <= IN_FLIGHT_MS_MAX && announced === 0 && live.refused === 0,
    });
    bench.figure({
      what: "durable events lost",
      value:
        `${count(durable.lost.length)} of ${count(durable.acknowledged)}; never ` +
        `acknowledged ${count(durable.unanswered + durable.refused)}`,
      target: "0",
      ok: durable.lost.length + durable.unanswered + durable.refused === 0,
    });
    const wrong = live.twice + live.disordered + durable.twice + durable.disordered + phantoms;
    bench.figure({
      what: "duplicate, out of order or never published, either lane",
      value: count(wrong),
      target: "0",
      ok: wrong === 0,
    });
    const metrics = await readMetrics([...frontends, left.url]);
    const broken = metrics("ovation_frontend_links_broken_total");
    bench.figure({
      what: "what the system itself says",
      value:
        `links broken at frontends ${broken}, durable events repaired from the log ` +
        `${metrics("ovation_frontend_repaired_events_total")}`,
      target: `${frontends.length} links broken`,
      ok: broken === frontends.length,
    });
  },
};

export default benchmark;
