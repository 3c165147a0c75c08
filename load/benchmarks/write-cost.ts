/**
 * What one delivery costs the server where nothing can be batched: one event, one write to every connection.
 * The same load, by the same generator, on a bare `send()` loop in C, on bare Bun, on Ovation and on nchan.
 */
import type { Bench, Benchmark, Measured } from "../harness/benchmark.ts";
import type { BenchServer } from "../harness/servers.ts";

const benchmark: Benchmark = {
  name: "write-cost",
  about: "CPU per delivery without batching, against a bare C send() loop and nchan",
  async run(bench) {
    const connections = bench.size(1000, 8000);
    const options = { connections, rate: 8, batch: 1, duration: bench.size(3, 10), warmup: 2 };
    const measure = async (server: BenchServer): Promise<Measured> => {
      const measured = await bench.load(server, options);
      await server.stop();
      return measured;
    };
    const floor = await measure(await bench.floor());
    const bare = await measure(await bench.reference());
    const ours = await measure(await bench.ovation());
    const nchan = await bench.nchan();
    const peer = nchan === undefined ? undefined : await measure(nchan);
    // The floor once more: what differs between the two is the noise of the machine.
    const floorAgain = await measure(await bench.floor());
    const floorUs = Math.min(floor.cpuUsPerDelivery, floorAgain.cpuUsPerDelivery);

    bench.figure({ what: "C send() loop, first and last", value: `${us(floor)} and ${us(floorAgain)}` });
    bench.figure({ what: "bare Bun direct streams", value: `${us(bare)}, ${times(bare.cpuUsPerDelivery, floorUs)}` });
    if (peer === undefined) bench.note("nginx and libnginx-mod-nchan are not installed: no peer in this run");
    else bench.figure({ what: "nginx + nchan", value: `${us(peer)}, ${times(peer.cpuUsPerDelivery, floorUs)}` });
    const ratio = ours.cpuUsPerDelivery / floorUs;
    bench.figure({
      what: "Ovation, CPU per delivery",
      value: `${us(ours)}, ${times(ours.cpuUsPerDelivery, floorUs)}`,
      against: "the C loop",
      target: "≤ 1.15× (moonshot 1.05×)",
      ok: ratio <= 1.15,
    });
    complete(bench, ours);
  },
};

function us(measured: Measured): string {
  return `${measured.cpuUsPerDelivery.toFixed(2)} µs`;
}

function times(value: number, floor: number): string {
  return `${(value / floor).toFixed(2)}×`;
}

function complete(bench: Bench, measured: Measured): void {
  const { report } = measured;
  bench.figure({ what: "Ovation, faults", value: report.ok ? "none" : report.problems.join("; "), target: "none", ok: report.ok });
}

export default benchmark;
