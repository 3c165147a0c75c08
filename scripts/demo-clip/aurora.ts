/**
 * The aurora of the demo clip: curtains of light over the horizon, which move by whole turns in a
 * loop.
 */

import { periodicNoise } from "./loop.ts";
import { HORIZON, TURN, WIDTH } from "./size.ts";

/**
 * The aurora is drawn at half size, with room above the picture for its tops, and smoothly
 * enlarged.
 */
export const GLOW_WIDTH = WIDTH / 2;
export const GLOW_HEIGHT = HORIZON / 2;

/** Draws the curtains at a part of the loop's turn: RGB, three numbers per pixel. */
export function drawAurora(glow: Float32Array, turn: number): void {
  glow.fill(0);
  for (const curtain of CURTAINS) addCurtain(glow, curtain, turn);
  for (let pass = 0; pass < 3; pass++) softenRows(glow);
}

interface Curtain {
  readonly seed: number;
  readonly baseY: number;
  readonly reach: number;
  readonly tall: number;
  readonly strength: number;
  readonly low: readonly [number, number, number];
  readonly high: readonly [number, number, number];
}
const CURTAINS: readonly Curtain[] = [
  {
    seed: 3,
    baseY: 118,
    reach: 26,
    tall: 92,
    strength: 0.5,
    low: [0.1, 0.9, 0.55],
    high: [0.3, 0.18, 0.85],
  },
  {
    seed: 8,
    baseY: 158,
    reach: 34,
    tall: 118,
    strength: 0.85,
    low: [0.14, 1, 0.6],
    high: [0.5, 0.14, 0.75],
  },
  {
    seed: 15,
    baseY: 196,
    reach: 18,
    tall: 84,
    strength: 0.5,
    low: [0.08, 0.85, 0.75],
    high: [0.12, 0.3, 0.9],
  },
];
const STEPS = 2600;
/** The rays drift by one whole period in a loop: the shorter, the calmer. */
const FINE_PERIOD = 160;
const COARSE_PERIOD = 32;
const rayNoises = new Map(
  CURTAINS.map((curtain) => [
    curtain.seed,
    [
      periodicNoise(curtain.seed, FINE_PERIOD),
      periodicNoise(curtain.seed + 1, COARSE_PERIOD),
    ] as const,
  ]),
);

/**
 * A curtain is a line with folds, seen from below; each point of it sends a streak of light
 * upwards, sharp at the foot and fading to the top. Where the line folds back the streaks add up,
 * as they do in the sky.
 */
function addCurtain(glow: Float32Array, curtain: Curtain, turn: number): void {
  const noises = rayNoises.get(curtain.seed);
  if (noises === undefined) return;
  const [fine, coarse] = noises;
  const { seed } = curtain;
  for (let step = 0; step < STEPS; step++) {
    const along = step / STEPS;
    const x =
      (along * 1.24 - 0.12) * GLOW_WIDTH +
      34 * Math.sin(along * 11 + seed + turn) +
      20 * Math.sin(along * 27 + seed * 2 - 2 * turn) +
      7 * Math.sin(along * 63 + seed * 5 + 3 * turn);
    const foot =
      curtain.baseY +
      curtain.reach * Math.sin(along * 5.2 + seed * 1.7 + turn) +
      curtain.reach * 0.45 * Math.sin(along * 13 + seed * 3.1 - turn) +
      4 * Math.sin(along * 41 + seed + 2 * turn);
    const swell =
      0.5 + 0.5 * Math.sin(along * 7.5 + seed * 2.3 - turn + 1.4 * Math.sin(along * 3 + turn));
    const ray =
      0.55 * fine(along * 150 + FINE_PERIOD * (turn / TURN)) +
      0.65 * coarse(along * 26 + COARSE_PERIOD * (turn / TURN));
    const brightness = curtain.strength * (0.12 + swell * swell * 1.1) * (0.2 + ray * ray) * 0.34;
    const tall = curtain.tall * (0.55 + 0.75 * ray);
    const ragged = foot - 10 * ray;
    addStreak(glow, x, ragged, tall, brightness, curtain);
  }
}

function addStreak(
  glow: Float32Array,
  x: number,
  foot: number,
  tall: number,
  brightness: number,
  curtain: Curtain,
): void {
  const column = Math.floor(x);
  const part = x - column;
  if (column < 0 || column + 1 >= GLOW_WIDTH) return;
  const top = Math.max(0, Math.floor(foot - tall * 1.6));
  const bottom = Math.min(GLOW_HEIGHT - 1, Math.floor(foot + 30));
  for (let row = top; row <= bottom; row++) {
    const above = (foot - row) / tall;
    const profile =
      above < 0 ? Math.exp(above * tall * 0.13) : Math.exp(-above * 2.1) * (1 - above / 1.6);
    const mix = Math.min(1, Math.max(0, above * 1.25));
    const amount = brightness * profile;
    const at = (row * GLOW_WIDTH + column) * 3;
    for (let channel = 0; channel < 3; channel++) {
      const low = curtain.low[channel] ?? 0;
      const high = curtain.high[channel] ?? 0;
      const value = amount * (low + (high - low) * mix);
      glow[at + channel] = (glow[at + channel] ?? 0) + value * (1 - part);
      glow[at + 3 + channel] = (glow[at + 3 + channel] ?? 0) + value * part;
    }
  }
}

/** A light blur along the rows: a fold is a glow, not a wire. */
function softenRows(glow: Float32Array): void {
  for (let row = 0; row < GLOW_HEIGHT; row++) {
    for (let channel = 0; channel < 3; channel++) {
      const first = row * GLOW_WIDTH * 3 + channel;
      let before = glow[first] ?? 0;
      let here = before;
      for (let column = 0; column < GLOW_WIDTH; column++) {
        const at = first + column * 3;
        const after = column + 1 < GLOW_WIDTH ? (glow[at + 3] ?? 0) : here;
        glow[at] = before * 0.3 + here * 0.4 + after * 0.3;
        before = here;
        here = after;
      }
    }
  }
}
