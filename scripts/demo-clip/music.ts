/**
 * The music of the demo clip: slow chords, a few bells with an echo. Everything is added around a
 * circle of samples, so that the end runs into the beginning without a seam.
 */

import { seededRandom } from "../../testing/random.ts";
import { LOOP_SECONDS } from "./loop.ts";

export const SAMPLE_RATE = 48_000;
const LENGTH = SAMPLE_RATE * LOOP_SECONDS;

/** Semitones from A3 (220 Hz); one chord lasts an eighth of the loop. */
const CHORDS: readonly (readonly number[])[] = [
  [-12, 0, 3, 7, 14],
  [-16, -4, 3, 7, 12],
  [-9, 3, 7, 10, 17],
  [-14, -2, 5, 9, 12],
  [-12, 0, 3, 10, 14],
  [-7, 0, 5, 8, 15],
  [-16, -4, 0, 8, 12],
  [-5, -2, 2, 7, 14],
];
/** A bell may ring this often. */
const STEP_SECONDS = 0.64;
const BELLS: readonly number[] = [12, 15, 17, 19, 22, 24, 27];

export interface Music {
  readonly left: Float32Array;
  readonly right: Float32Array;
}

export function renderMusic(): Music {
  const left = new Float32Array(LENGTH);
  const right = new Float32Array(LENGTH);
  const random = seededRandom(11);
  const chordSeconds = LOOP_SECONDS / CHORDS.length;

  CHORDS.forEach((chord, index) => {
    for (const semitone of chord) {
      const detune = (random() - 0.5) * 0.6;
      addPad(left, index * chordSeconds, chordSeconds, frequencyOf(semitone) + detune);
      addPad(right, index * chordSeconds, chordSeconds, frequencyOf(semitone) - detune);
    }
  });

  const steps = LOOP_SECONDS / STEP_SECONDS;
  for (let step = 0; step < steps; step++) {
    if (random() > 0.42) continue;
    const semitone = BELLS[Math.floor(random() * BELLS.length)] ?? 12;
    const pan = 0.25 + random() * 0.5;
    for (let echo = 0; echo < 4; echo++) {
      const gain = 0.16 * 0.42 ** echo;
      const side = echo % 2 === 0 ? pan : 1 - pan;
      addBell(left, (step + echo * 1.5) * STEP_SECONDS, frequencyOf(semitone), gain * (1 - side));
      addBell(right, (step + echo * 1.5) * STEP_SECONDS, frequencyOf(semitone), gain * side);
    }
  }
  normalise(left, right, 0.5);
  return { left, right };
}

function frequencyOf(semitone: number): number {
  return 220 * 2 ** (semitone / 12);
}

function addPad(samples: Float32Array, start: number, seconds: number, frequency: number): void {
  const attack = 1.6;
  const release = 2.8;
  const first = Math.floor(start * SAMPLE_RATE);
  const count = Math.floor((seconds + release) * SAMPLE_RATE);
  for (let index = 0; index < count; index++) {
    const time = index / SAMPLE_RATE;
    const rise = Math.min(1, time / attack);
    const fall = time > seconds ? 1 - (time - seconds) / release : 1;
    const envelope = rise * rise * (3 - 2 * rise) * fall * fall;
    const phase = 2 * Math.PI * frequency * time;
    const tremolo = 1 + 0.15 * Math.sin(2 * Math.PI * 0.4 * time + frequency);
    const tone =
      Math.sin(phase) +
      0.3 * Math.sin(2 * phase) +
      0.12 * Math.sin(3 * phase) +
      0.05 * Math.sin(4.01 * phase);
    const at = (first + index) % LENGTH;
    samples[at] = (samples[at] ?? 0) + 0.05 * envelope * tremolo * tone * (220 / (frequency + 160));
  }
}

function addBell(samples: Float32Array, start: number, frequency: number, gain: number): void {
  const first = Math.floor(start * SAMPLE_RATE);
  const count = 3 * SAMPLE_RATE;
  for (let index = 0; index < count; index++) {
    const time = index / SAMPLE_RATE;
    const envelope = Math.min(1, time / 0.006) * Math.exp(-time * 2.2);
    const phase = 2 * Math.PI * frequency * time;
    const at = (first + index) % LENGTH;
    samples[at] =
      (samples[at] ?? 0) +
      gain * envelope * (Math.sin(phase) + 0.25 * Math.exp(-time * 5) * Math.sin(2.76 * phase));
  }
}

function normalise(left: Float32Array, right: Float32Array, peakWanted: number): void {
  let peak = 0;
  for (const channel of [left, right])
    for (const sample of channel) peak = Math.max(peak, Math.abs(sample));
  for (const channel of [left, right])
    for (let index = 0; index < channel.length; index++)
      channel[index] = ((channel[index] ?? 0) * peakWanted) / peak;
}

/**
 * How loud each of `bands` frequencies (80 Hz to 2.5 kHz, even in pitch) is around `seconds`: 0 to
 * 1.
 */
export function bandLevels(music: Music, seconds: number, bands: number): Float32Array {
  const window = 4096;
  const levels = new Float32Array(bands);
  const first = Math.floor(seconds * SAMPLE_RATE) - window / 2 + LENGTH;
  for (let band = 0; band < bands; band++) {
    const frequency = 80 * 31 ** (band / (bands - 1));
    // Goertzel: one frequency of the spectrum, without the others.
    const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / SAMPLE_RATE);
    let previous = 0;
    let beforePrevious = 0;
    for (let index = 0; index < window; index++) {
      const at = (first + index) % LENGTH;
      const hann = 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / window);
      const value =
        hann * ((music.left[at] ?? 0) + (music.right[at] ?? 0)) +
        coefficient * previous -
        beforePrevious;
      beforePrevious = previous;
      previous = value;
    }
    const power =
      previous * previous +
      beforePrevious * beforePrevious -
      coefficient * previous * beforePrevious;
    levels[band] = Math.min(1, Math.sqrt(Math.max(0, power)) / 190);
  }
  return levels;
}

/** 16-bit stereo WAV. */
export function toWav(music: Music): Uint8Array {
  const dataBytes = LENGTH * 4;
  const view = new DataView(new ArrayBuffer(44 + dataBytes));
  const text = (at: number, value: string) => {
    for (let index = 0; index < value.length; index++)
      view.setUint8(at + index, value.charCodeAt(index));
  };
  text(0, "RIFF");
  view.setUint32(4, 36 + dataBytes, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 2, true);
  view.setUint32(24, SAMPLE_RATE, true);
  view.setUint32(28, SAMPLE_RATE * 4, true);
  view.setUint16(32, 4, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, dataBytes, true);
  for (let index = 0; index < LENGTH; index++) {
    view.setInt16(44 + index * 4, (music.left[index] ?? 0) * 32767, true);
    view.setInt16(46 + index * 4, (music.right[index] ?? 0) * 32767, true);
  }
  return new Uint8Array(view.buffer);
}
