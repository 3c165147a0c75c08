/**
 * The picture of the demo clip: aurora over a lake, at 1280×720. Every movement completes a whole
 * number of turns in one loop, so the last frame runs into the first.
 */

import { FRAMES_PER_SECOND, LOOP_SECONDS, periodicNoise, seededRandom } from "./loop.ts";
import { bandLevels, type Music } from "./music.ts";

export const WIDTH = 1280;
export const HEIGHT = 720;
const HORIZON = 486;

/** The aurora is drawn at half size, with room above the picture for its tops, and smoothly enlarged. */
const GLOW_WIDTH = WIDTH / 2;
const GLOW_HEIGHT = HORIZON / 2;

const TURN = 2 * Math.PI;
const BANDS = 72;

interface Star {
  readonly x: number;
  readonly y: number;
  readonly light: number;
  readonly turns: number;
  readonly phase: number;
}
interface Spark {
  readonly x: number;
  readonly y: number;
  readonly rise: number;
  readonly sway: number;
  readonly phase: number;
  readonly warmth: number;
}

export interface Scene {
  /** RGB, three bytes per pixel, valid until the next call. */
  draw(frame: number): Uint8Array;
}

export function createScene(music: Music): Scene {
  const random = seededRandom(7);
  const stars: Star[] = Array.from({ length: 420 }, () => ({
    x: Math.floor(random() * WIDTH),
    y: Math.floor(random() ** 1.3 * (HORIZON - 60)),
    light: 0.12 + 0.75 * random() ** 6,
    turns: 2 + Math.floor(random() * 5),
    phase: random() * TURN,
  }));
  const sparks: Spark[] = Array.from({ length: 34 }, () => ({
    x: random() * WIDTH,
    y: HORIZON + 20 + random() * 200,
    rise: 60 + random() * 150,
    sway: 10 + random() * 26,
    phase: random(),
    warmth: random(),
  }));
  const ridges = [
    ridge(21, 96, 5, [9, 22, 40]),
    ridge(34, 62, 8, [5, 13, 26]),
    ridge(55, 26, 13, [2, 6, 13]),
  ];
  const glow = new Float32Array(GLOW_WIDTH * GLOW_HEIGHT * 3);
  const light = new Float32Array(WIDTH * HEIGHT * 3);
  const pixels = new Uint8Array(WIDTH * HEIGHT * 3);
  const frames = LOOP_SECONDS * FRAMES_PER_SECOND;
  const smoothLevels = levelsOfAllFrames(music, frames);

  return {
    draw(frame) {
      const turn = (frame / frames) * TURN;
      glow.fill(0);
      for (const curtain of CURTAINS) addCurtain(glow, curtain, turn);
      for (let pass = 0; pass < 3; pass++) softenRows(glow);
      drawSky(light, glow);
      for (const silhouette of ridges) coverWithRidge(light, silhouette);
      drawWater(light, turn);
      // After the water: a reflected star is a flicker that costs a quarter of the clip's bytes.
      for (const star of stars)
        if (ridges.every((silhouette) => star.y < (silhouette.top[star.x] ?? 0) - 4))
          addStar(light, star, turn);
      const levels = smoothLevels[frame % frames];
      if (levels !== undefined) addVoice(light, levels);
      for (const spark of sparks) addSpark(light, spark, frame / frames);
      toPixels(light, pixels);
      return pixels;
    },
  };
}

// --- aurora ---------------------------------------------------------------------------------------

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
 * A curtain is a line with folds, seen from below; each point of it sends a streak of light upwards,
 * sharp at the foot and fading to the top. Where the line folds back the streaks add up, as they do
 * in the sky.
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

// --- sky, land, water -----------------------------------------------------------------------------

function drawSky(light: Float32Array, glow: Float32Array): void {
  for (let y = 0; y < HORIZON; y++) {
    const down = y / HORIZON;
    const red = 0.012 + 0.03 * down ** 3;
    const green = 0.018 + 0.1 * down ** 2.4;
    const blue = 0.055 + 0.17 * down ** 1.8;
    const glowY = Math.min(GLOW_HEIGHT - 1.001, Math.max(0, y / 2 - 0.25));
    const row = Math.floor(glowY);
    const rowPart = glowY - row;
    for (let x = 0; x < WIDTH; x++) {
      const glowX = Math.min(GLOW_WIDTH - 1.001, Math.max(0, x / 2 - 0.25));
      const column = Math.floor(glowX);
      const columnPart = glowX - column;
      const a = (row * GLOW_WIDTH + column) * 3;
      const b = a + GLOW_WIDTH * 3;
      const at = (y * WIDTH + x) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const upper =
          (glow[a + channel] ?? 0) * (1 - columnPart) + (glow[a + 3 + channel] ?? 0) * columnPart;
        const lower =
          (glow[b + channel] ?? 0) * (1 - columnPart) + (glow[b + 3 + channel] ?? 0) * columnPart;
        const base = channel === 0 ? red : channel === 1 ? green : blue;
        light[at + channel] = base + upper * (1 - rowPart) + lower * rowPart;
      }
    }
  }
}

function addStar(light: Float32Array, star: Star, turn: number): void {
  const amount = star.light * (0.78 + 0.22 * Math.sin(star.turns * turn + star.phase));
  addDot(light, star.x, star.y, star.light > 0.45 ? 1.5 : 0.9, amount, [0.86, 0.92, 1]);
}

function addDot(
  light: Float32Array,
  x: number,
  y: number,
  radius: number,
  amount: number,
  colour: readonly number[],
): void {
  const reach = Math.ceil(radius * 2.6);
  for (let row = Math.floor(y) - reach; row <= y + reach; row++) {
    for (let column = Math.floor(x) - reach; column <= x + reach; column++) {
      if (row < 0 || row >= HEIGHT || column < 0 || column >= WIDTH) continue;
      const distance2 = (column - x) ** 2 + (row - y) ** 2;
      const value = amount * Math.exp(-distance2 / (radius * radius));
      if (value < 0.002) continue;
      const at = (row * WIDTH + column) * 3;
      for (let channel = 0; channel < 3; channel++)
        light[at + channel] = (light[at + channel] ?? 0) + value * (colour[channel] ?? 1);
    }
  }
}

interface Ridge {
  readonly top: Float32Array;
  readonly colour: readonly [number, number, number];
}

function ridge(
  seed: number,
  tall: number,
  peaks: number,
  colour: readonly [number, number, number],
): Ridge {
  const octaves = [1, 2, 4, 8, 16].map(
    (times, index) => [periodicNoise(seed + index, 512), times] as const,
  );
  const top = Float32Array.from({ length: WIDTH }, (_, x) => {
    let sum = 0;
    for (const [noise, times] of octaves) sum += noise((x / WIDTH) * peaks * times + seed) / times;
    return HORIZON - tall * Math.max(0.04, sum / 1.94) ** 1.5 * 1.5;
  });
  return { top, colour };
}

function coverWithRidge(light: Float32Array, silhouette: Ridge): void {
  for (let x = 0; x < WIDTH; x++) {
    const edge = silhouette.top[x] ?? HORIZON;
    for (let y = Math.floor(edge); y < HORIZON; y++) {
      // Haze: the foot of a mountain is a little lighter than its top.
      const haze = 1 + 0.9 * ((y - edge) / (HORIZON - edge + 1));
      const cover = Math.min(1, y + 1 - edge);
      const at = (y * WIDTH + x) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const land = ((silhouette.colour[channel] ?? 0) / 255) * haze;
        light[at + channel] = (light[at + channel] ?? 0) * (1 - cover) + land * cover;
      }
    }
  }
}

function drawWater(light: Float32Array, turn: number): void {
  for (let y = HORIZON; y < HEIGHT; y++) {
    const depth = (y - HORIZON) / (HEIGHT - HORIZON);
    const mirror = HORIZON - 1 - (y - HORIZON) * 1.55;
    const dim = 0.62 - 0.34 * depth;
    const wave = 1 + 9 * depth;
    for (let x = 0; x < WIDTH; x++) {
      const far = 1 / (depth + 0.09);
      const sway =
        wave * 0.7 * Math.sin(y * 0.025 * far + 3 * turn + x * 0.004) +
        wave * 0.5 * Math.sin(x * 0.021 + far * 9 - 2 * turn) +
        wave * 0.2 * Math.sin(x * 0.03 - y * 0.25 + 5 * turn);
      const fromY = Math.max(0, Math.min(HORIZON - 1, mirror + sway * 0.9));
      const fromX = Math.max(0, Math.min(WIDTH - 1, x + sway * 0.5));
      const from = (Math.floor(fromY) * WIDTH + Math.floor(fromX)) * 3;
      const at = (y * WIDTH + x) * 3;
      light[at] = (light[from] ?? 0) * dim * 0.9;
      light[at + 1] = (light[from + 1] ?? 0) * dim + 0.004;
      light[at + 2] = (light[from + 2] ?? 0) * dim + 0.012;
    }
  }
}

// --- the voice: the music as a line of light on the water ------------------------------------------

function levelsOfAllFrames(music: Music, frames: number): readonly Float32Array[] {
  const raw = Array.from({ length: frames }, (_, frame) =>
    bandLevels(music, frame / FRAMES_PER_SECOND, BANDS),
  );
  return raw.map((_, frame) => {
    const smooth = new Float32Array(BANDS);
    for (let back = 0; back < 6; back++) {
      const levels = raw[(frame - back + frames) % frames];
      for (let band = 0; band < BANDS; band++)
        smooth[band] = (smooth[band] ?? 0) + ((levels?.[band] ?? 0) * (6 - back)) / 21;
    }
    return smooth;
  });
}

function addVoice(light: Float32Array, levels: Float32Array): void {
  const middle = 622;
  const spacing = 10;
  for (let band = 0; band < BANDS; band++) {
    const around =
      ((levels[band - 1] ?? 0) + 2 * (levels[band] ?? 0) + (levels[band + 1] ?? 0)) / 4;
    const fade = Math.sin((Math.PI * (band + 0.5)) / BANDS) ** 0.6;
    const tall = 2 + 46 * around ** 0.75 * fade;
    const x = WIDTH / 2 + (band - (BANDS - 1) / 2) * spacing;
    const along = band / (BANDS - 1);
    const colour = [0.12 + 0.55 * along, 0.95 - 0.55 * along, 0.65 + 0.35 * along];
    addBar(light, x, middle, tall, (0.32 + 0.75 * around) * fade, colour);
  }
}

/** A soft upright bar, 4 pixels wide, with round ends. */
function addBar(
  light: Float32Array,
  x: number,
  middle: number,
  tall: number,
  amount: number,
  colour: readonly number[],
): void {
  for (let y = Math.floor(middle - tall - 8); y <= middle + tall + 8; y++) {
    for (let column = Math.floor(x) - 8; column <= x + 8; column++) {
      if (y < 0 || y >= HEIGHT) continue;
      const overY = Math.max(0, Math.abs(y - middle) - tall);
      const distance = Math.hypot(column - x, overY);
      const core = Math.max(0, Math.min(1, 2.4 - distance));
      const value = amount * (core + 0.16 * Math.exp(-(distance * distance) / 18));
      const at = (y * WIDTH + column) * 3;
      for (let channel = 0; channel < 3; channel++)
        light[at + channel] = (light[at + channel] ?? 0) + value * (colour[channel] ?? 1);
    }
  }
}

function addSpark(light: Float32Array, spark: Spark, turnPart: number): void {
  const life = (turnPart * 3 + spark.phase) % 1;
  const y = spark.y - spark.rise * life;
  const x = spark.x + spark.sway * Math.sin(TURN * (life + spark.phase));
  const amount = 0.55 * Math.sin(Math.PI * life) ** 2;
  addDot(light, x, y, 1.7, amount, [0.6 + 0.4 * spark.warmth, 0.95, 0.85 - 0.3 * spark.warmth]);
  addDot(light, x, y, 6, amount * 0.13, [0.5, 0.9, 0.8]);
}

// --- light to bytes -------------------------------------------------------------------------------

/** Light without an upper end to 0…255: bright aurora bends instead of clipping. */
const TONE = Uint8Array.from({ length: 4096 }, (_, index) =>
  Math.round(255 * (1 - Math.exp(-(index / 4095) * 4 * 1.15)) ** 0.86),
);

function toPixels(light: Float32Array, pixels: Uint8Array): void {
  for (let index = 0; index < pixels.length; index++) {
    pixels[index] = TONE[Math.min(4095, Math.floor((light[index] ?? 0) * 1023.75))] ?? 0;
  }
}
