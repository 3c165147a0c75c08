/** The work of a process between two moments: the difference of its totals. */

import type { ReaderResult } from "./messages.ts";

export type Totals = Pick<
  ReaderResult,
  "cpuUs" | "kernelCpuUs" | "deliveries" | "reads" | "bytes" | "reused"
>;

const NOTHING: Totals = { cpuUs: 0, kernelCpuUs: 0, deliveries: 0, reads: 0, bytes: 0, reused: 0 };

export class Measurement {
  start: Totals = NOTHING;
  measured: Totals = NOTHING;

  begin(totals: Totals): void {
    this.start = totals;
  }

  end(totals: Totals): void {
    this.measured = {
      cpuUs: totals.cpuUs - this.start.cpuUs,
      kernelCpuUs: totals.kernelCpuUs - this.start.kernelCpuUs,
      deliveries: totals.deliveries - this.start.deliveries,
      reads: totals.reads - this.start.reads,
      bytes: totals.bytes - this.start.bytes,
      reused: totals.reused - this.start.reused,
    };
  }
}
