/** Growth: a straight line through samples, and the error of its slope. */

export interface Sample {
  readonly seconds: number;
  readonly value: number;
}

export interface Slope {
  readonly perHour: number;
  /** Standard error, per hour. */
  readonly errorPerHour: number;
}

const SECONDS_PER_HOUR = 3600;
/** A slope is over its bound if it still is after subtracting this many standard errors. */
const ERRORS = 2;

/** Least squares. Fewer than three samples have no slope. */
export function fitSlope(samples: readonly Sample[]): Slope | undefined {
  const count = samples.length;
  if (count < 3) return undefined;
  const meanSeconds = samples.reduce((sum, { seconds }) => sum + seconds, 0) / count;
  const meanValue = samples.reduce((sum, { value }) => sum + value, 0) / count;
  let [spread, together] = [0, 0];
  for (const { seconds, value } of samples) {
    spread += (seconds - meanSeconds) ** 2;
    together += (seconds - meanSeconds) * (value - meanValue);
  }
  if (spread === 0) return undefined;
  const slope = together / spread;
  const unexplained = samples.reduce(
    (sum, { seconds, value }) => sum + (value - meanValue - slope * (seconds - meanSeconds)) ** 2,
    0,
  );
  return {
    perHour: slope * SECONDS_PER_HOUR,
    errorPerHour: Math.sqrt(unexplained / (count - 2) / spread) * SECONDS_PER_HOUR,
  };
}

export function isOver({ perHour, errorPerHour }: Slope, boundPerHour: number): boolean {
  return perHour - ERRORS * errorPerHour > boundPerHour;
}
