/**
 * One clock for all processes of a run: microseconds of this machine's wall clock, read once when
 * the process starts and continued by the monotonic clock, so that a step of the wall clock during
 * a run changes nothing.
 */
export function nowUs(): number {
  return (performance.timeOrigin + performance.now()) * 1000;
}
