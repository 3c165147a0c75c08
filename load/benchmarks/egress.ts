/**
 * Bytes on the wire for each comment on a busy topic: plain, and with zstd encoded once for all.
 */
import type { Benchmark } from "../harness/benchmark.ts";

const COMMENT_BYTES = 60;

const benchmark: Benchmark = {
  name: "egress",
  about: "bytes per comment on the wire, plain and zstd, on a busy topic",
  async run(bench) {
    const server = await bench.ovation();
    const options = {
      target: "ovation-comments",
      connections: bench.size(200, 5000),
      publishers: 16,
      rate: 200,
      size: COMMENT_BYTES,
      durable: true,
      duration: bench.size(3, 10),
      warmup: 1,
    };
    const plain = await bench.load(server, options);
    const zstd = await bench.load(server, { ...options, zstd: true, topicPrefix: "video:zstd-" });
    const plainBytes = plain.report.measured.bytesPerDelivery;
    const zstdBytes = zstd.report.measured.bytesPerDelivery;
    const part = (100 * zstdBytes) / plainBytes;
    bench.figure({
      what: "bytes per comment, zstd",
      value: `${zstdBytes.toFixed(0)}, ${part.toFixed(0)} % of plain`,
      against: `${plainBytes.toFixed(0)} plain`,
      target: "≤ 30 % (moonshot 20 %)",
      ok: part <= 30,
    });
    bench.figure({
      what: "comments in one write",
      value: `${perRead(plain.report.measured)} plain, ${perRead(zstd.report.measured)} zstd`,
    });
    bench.figure({
      what: "server CPU per comment and viewer",
      value: `${zstd.cpuUsPerDelivery.toFixed(2)} µs zstd`,
      against: `${plain.cpuUsPerDelivery.toFixed(2)} µs plain`,
    });
    bench.figure({
      what: "faults",
      value:
        plain.report.ok && zstd.report.ok
          ? "none"
          : [...plain.report.problems, ...zstd.report.problems].join("; "),
      target: "none",
      ok: plain.report.ok && zstd.report.ok,
    });
    bench.note(
      `each comment: ${COMMENT_BYTES} characters of words and a mark of about 30 that ` +
        "no other comment has",
    );
  },
};

function perRead(measured: { readonly deliveries: number; readonly reads: number }): string {
  return (measured.deliveries / Math.max(1, measured.reads)).toFixed(1);
}

export default benchmark;
