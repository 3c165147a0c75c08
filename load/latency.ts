/** Latencies in an HDR histogram: microseconds, three significant digits, up to an hour. */
import * as hdr from "hdr-histogram-js";
import { LATENCY_US_MAX } from "./limits.ts";

export interface LatencySummary {
  readonly count: number;
  readonly meanMs: number;
  readonly minMs: number;
  readonly p50Ms: number;
  readonly p75Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** One point of the percentile curve. */
export interface PercentilePoint {
  readonly percentile: number;
  readonly ms: number;
}

export class Latency {
  readonly #histogram: hdr.Histogram;

  constructor(histogram?: hdr.Histogram) {
    this.#histogram =
      histogram ??
      hdr.build({
        bitBucketSize: 32,
        lowestDiscernibleValue: 1,
        highestTrackableValue: LATENCY_US_MAX,
        numberOfSignificantValueDigits: 3,
      });
  }

  static decode(text: string): Latency {
    return new Latency(hdr.decodeFromCompressedBase64(text, 32));
  }

  /**
   * Shorter than a microsecond, or negative because two clocks rounded differently, counts as one.
   */
  record(us: number, times = 1): void {
    this.#histogram.recordValueWithCount(
      us < 1 ? 1 : us > LATENCY_US_MAX ? LATENCY_US_MAX : Math.round(us),
      times,
    );
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  encode(): string {
    return hdr.encodeIntoCompressedBase64(this.#histogram);
  }

  add(other: Latency): void {
    if (other.count > 0) this.#histogram.add(other.#histogram);
  }

  reset(): void {
    this.#histogram.reset();
  }

  ms(percentile: number): number {
    return this.count === 0 ? 0 : this.#histogram.getValueAtPercentile(percentile) / 1000;
  }

  summary(): LatencySummary {
    const empty = this.count === 0;
    return {
      count: this.count,
      meanMs: empty ? 0 : this.#histogram.mean / 1000,
      minMs: empty ? 0 : this.#histogram.minNonZeroValue / 1000,
      p50Ms: this.ms(50),
      p75Ms: this.ms(75),
      p90Ms: this.ms(90),
      p99Ms: this.ms(99),
      p999Ms: this.ms(99.9),
      maxMs: empty ? 0 : this.#histogram.maxValue / 1000,
    };
  }

  /** For the plot: percentiles that approach 100. */
  curve(): PercentilePoint[] {
    const points = [
      0, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92.5, 95, 97, 98, 99, 99.5, 99.9, 99.95, 99.99,
      100,
    ];
    return points.map((percentile) => ({ percentile, ms: this.ms(percentile) }));
  }
}
