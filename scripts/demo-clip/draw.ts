/**
 * `draw.ts music FILE` writes the music as WAV; `draw.ts picture [FROM TO]` writes raw RGB frames
 * to standard output.
 */

import { closeSync, openSync, writeSync } from "node:fs";
import { FRAMES_PER_SECOND, LOOP_SECONDS } from "./loop.ts";
import { renderMusic, toWav } from "./music.ts";
import { createScene } from "./scene.ts";

const [what, ...rest] = process.argv.slice(2);
const music = renderMusic();

if (what === "music") {
  await Bun.write(rest[0] ?? "demo.wav", toWav(music));
} else {
  const from = Number(rest[0] ?? 0);
  const to = Number(rest[1] ?? LOOP_SECONDS * FRAMES_PER_SECOND);
  const scene = createScene(music);
  const output = openSync("/dev/stdout", "w");
  for (let frame = from; frame < to; frame++) {
    const pixels = scene.draw(frame);
    for (let written = 0; written < pixels.length; ) written += writeSync(output, pixels, written);
  }
  closeSync(output);
}
