/**
 * What picture and music of the demo clip share: its length, and numbers that are the same at every
 * make.
 */

import { seededRandom } from "../../testing/random.ts";

export const LOOP_SECONDS = 32;
export const FRAMES_PER_SECOND = 25;

/** A smooth curve through random values, one per whole number, that repeats after `period`. */
export function periodicNoise(seed: number, period: number): (position: number) => number {
  const random = seededRandom(seed);
  const values = Float32Array.from({ length: period }, random);
  return (position) => {
    const wrapped = ((position % period) + period) % period;
    const whole = Math.floor(wrapped);
    const part = wrapped - whole;
    const smooth = part * part * (3 - 2 * part);
    const from = values[whole] ?? 0;
    const to = values[(whole + 1) % period] ?? 0;
    return from + (to - from) * smooth;
  };
}
