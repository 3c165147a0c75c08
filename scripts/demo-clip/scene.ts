/**
 * The picture of the demo clip: aurora over a lake, at 1280×720. Every movement completes a whole
 * number of turns in one loop, so the last frame runs into the first.
 */

import { seededRandom } from "../../testing/random.ts";
import { drawAurora, GLOW_HEIGHT, GLOW_WIDTH } from "./aurora.ts";
import { FRAMES_PER_SECOND, LOOP_SECONDS, periodicNoise } from "./loop.ts";
import { bandLevels, type Music } from "./music.ts";
import { HEIGHT, HORIZON, TURN, WIDTH } from "./size.ts";

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
      drawAurora(glow, turn);
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

// --- sky, land, water
// -----------------------------------------------------------------------------

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

// --- the voice: the music as a line of light on the water
// ------------------------------------------

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

// --- light to bytes
// -------------------------------------------------------------------------------

/** Light without an upper end to 0…255: bright aurora bends instead of clipping. */
const TONE = Uint8Array.from({ length: 4096 }, (_, index) =>
  Math.round(255 * (1 - Math.exp(-(index / 4095) * 4 * 1.15)) ** 0.86),
);

function toPixels(light: Float32Array, pixels: Uint8Array): void {
  for (let index = 0; index < pixels.length; index++) {
    pixels[index] = TONE[Math.min(4095, Math.floor((light[index] ?? 0) * 1023.75))] ?? 0;
  }
}
