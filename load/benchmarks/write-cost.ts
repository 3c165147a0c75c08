/**
 * The server's cost of one delivery where nothing can be batched: one event, one write to every
 * connection. The same load, by the same generator, on a bare `send()` loop in C, on bare Bun, on
 * Ovation and on nchan.
 */
import type { Bench, Benchmark, Measured } from "../harness/benchmark.ts";
import type { BenchServer } from "../harness/servers.ts";

const benchmark: Benchmark = {
  name: "write-cost",
  about: "CPU per delivery without batching, against a bare C send() loop and nchan",
  async run(bench) {
    // Seldom enough that a broadcast ends long before the next event: nothing is batched.
    const options = {
      connections: bench.size(1000, 6000),
      rate: 5,
      batch: 1,
      duration: bench.size(3, 12),
      warmup: 2,
    };
    const measure = async (server: BenchServer): Promise<Measured> => {
      const measured = await bench.load(server, options);
      await server.stop();
      return measured;
    };
    // Floor and Ovation alternating, the better of two each: neighbours can only increase CPU time.
    const floors = [await measure(await bench.floor())];
    const ours = [await measure(await bench.ovation())];
    floors.push(await measure(await bench.floor()));
    ours.push(await measure(await bench.ovation()));
    const bare = await measure(await bench.reference());
    const nchan = await bench.nchan();
    const peer = nchan === undefined ? undefined : await measure(nchan);
    const floorUs = best(floors);

    bench.figure({ what: "C send() loop", value: `${floors.map(us).join(" and ")}` });
    bench.figure({
      what: "bare Bun direct streams",
      value: `${us(bare)}, ${times(bare.cpuUsPerWrite, floorUs)}`,
    });
    if (peer === undefined)
      bench.note("nginx and libnginx-mod-nchan are not installed: no peer in this run");
    else
      bench.figure({
        what: "nginx + nchan",
        value: `${us(peer)}, ${times(peer.cpuUsPerWrite, floorUs)}`,
      });
    bench.figure({
      what: "Ovation, one event in one write",
      value: `${ours.map(us).join(" and ")}, ${times(best(ours), floorUs)}`,
      target: "≤ 1.15× of the C loop (moonshot 1.05×)",
      ok: best(ours) / floorUs <= 1.15,
    });
    for (const each of ours) complete(bench, each);
  },
};

function best(measured: readonly Measured[]): number {
  return Math.min(...measured.map((each) => each.cpuUsPerWrite));
}

function us(measured: Measured): string {
  return `${measured.cpuUsPerWrite.toFixed(2)} µs`;
}

function times(value: number, floor: number): string {
  return `${(value / floor).toFixed(2)}×`;
}

function complete(bench: Bench, measured: Measured): void {
  const { report } = measured;
  bench.note(
    "events in one write: " +
      `${(report.latency.count / report.measured.readsSettled).toFixed(2)} (below 1: ` +
      "viewer counts go out as well)",
  );
  bench.figure({
    what: "faults",
    value: report.ok ? "none" : report.problems.join("; "),
    target: "none",
    ok: report.ok,
  });
}

export default benchmark;
