/**
 * Hearts that rise for likes: one canvas, sprites drawn once, a limit on how many are visible. The
 * animation stops after the last one, when the page is hidden, and when the list is off screen.
 */

import { tried } from "@ovation/client/tried";
import { HEART_LIFE_MS, HEART_SCALE_MAX, HEARTS_MAX } from "./limits.ts";

interface Heart {
  readonly bornAt: number;
  readonly x: number;
  readonly sway: number;
  readonly phase: number;
  readonly size: number;
  readonly sprite: HTMLCanvasElement;
}

const SPRITE_PX = 32;
const HUES = [350, 5, 330, 20, 300];
/** Hearts of one event start spread over this time. */
const SPREAD_MS = 1000;

/**
 * How many hearts represent `likes` new likes: one each up to 6, then proportionally fewer, at most
 * 24; as each is visible for 2.5 s, that is the limit of 60.
 */
export function heartsFor(likes: number): number {
  return likes <= 6
    ? Math.max(0, Math.floor(likes))
    : Math.min(24, Math.round(6 + 4 * Math.log2(likes / 6)));
}

export class Hearts {
  readonly #canvas: HTMLCanvasElement;
  readonly #sprites: readonly HTMLCanvasElement[];
  readonly #observer: IntersectionObserver | undefined;
  #visible = true;
  #hearts: Heart[] = [];
  #frame = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#sprites = HUES.map(drawSprite);
    const look = ([entry]: IntersectionObserverEntry[]): void => {
      this.#visible = entry?.isIntersecting ?? true;
    };
    this.#observer = tried(() => new IntersectionObserver(look));
    this.#observer?.observe(canvas);
  }

  /** Likes of others, spread over a second. */
  add(likes: number): void {
    this.#spawn(heartsFor(likes), SPREAD_MS);
  }

  /** The viewer's own tap: at once. */
  tap(): void {
    this.#spawn(1, 0);
  }

  /** How many are visible. */
  get alive(): number {
    return this.#hearts.length;
  }

  close(): void {
    this.#observer?.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#hearts = [];
  }

  #spawn(count: number, spreadMs: number): void {
    if (document.hidden || !this.#visible) return;
    const now = performance.now();
    for (let index = 0; index < count && this.#hearts.length < HEARTS_MAX; index++) {
      const sprite = this.#sprites[Math.floor(Math.random() * this.#sprites.length)];
      if (sprite === undefined) return;
      this.#hearts.push({
        bornAt: now + Math.random() * spreadMs,
        x: 0.5 + (Math.random() - 0.5) * 0.4,
        sway: 0.06 + Math.random() * 0.12,
        phase: Math.random() * Math.PI * 2,
        size: 18 + Math.random() * 12,
        sprite,
      });
    }
    if (this.#frame === 0 && this.#hearts.length > 0)
      this.#frame = requestAnimationFrame((at) => this.#draw(at));
  }

  #draw(now: number): void {
    const canvas = this.#canvas;
    const context = canvas.getContext("2d");
    const { clientWidth: width, clientHeight: height } = canvas;
    const scale = Math.min(devicePixelRatio, HEART_SCALE_MAX);
    this.#hearts = document.hidden
      ? []
      : this.#hearts.filter((heart) => now - heart.bornAt < HEART_LIFE_MS);
    if (context !== null) {
      if (
        canvas.width !== Math.round(width * scale) ||
        canvas.height !== Math.round(height * scale)
      ) {
        canvas.width = Math.round(width * scale);
        canvas.height = Math.round(height * scale);
      }
      context.setTransform(scale, 0, 0, scale, 0, 0);
      context.clearRect(0, 0, width, height);
      for (const heart of this.#hearts) {
        const life = (now - heart.bornAt) / HEART_LIFE_MS;
        if (life < 0) continue;
        // Fast at first, then slower; grows in the first tenth, fades in the last third.
        const risen = 1 - (1 - life) ** 1.7;
        const size = heart.size * Math.min(1, 0.3 + life * 7);
        const x = (heart.x + Math.sin(heart.phase + life * 5) * heart.sway * life) * width;
        context.globalAlpha = Math.min(1, (1 - life) * 3);
        context.drawImage(
          heart.sprite,
          x - size / 2,
          height - size - risen * (height - size),
          size,
          size,
        );
      }
    }
    this.#frame = this.#hearts.length > 0 ? requestAnimationFrame((at) => this.#draw(at)) : 0;
  }
}

function drawSprite(hue: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = SPRITE_PX * HEART_SCALE_MAX;
  canvas.height = SPRITE_PX * HEART_SCALE_MAX;
  const context = canvas.getContext("2d");
  if (context === null) return canvas;
  context.scale((SPRITE_PX * HEART_SCALE_MAX) / 24, (SPRITE_PX * HEART_SCALE_MAX) / 24);
  const fill = context.createLinearGradient(0, 3, 0, 21);
  fill.addColorStop(0, `hsl(${hue} 95% 68%)`);
  fill.addColorStop(1, `hsl(${hue} 85% 52%)`);
  context.fillStyle = fill;
  context.fill(
    new Path2D("M12 21S3 15.200 3 8.800A5 5 0 0 1 12 5.800a5 5 0 0 1 9 3C21 15.200 12 21 12 21z"),
  );
  context.fillStyle = "rgb(255 255 255 / 35%)";
  context.fill(
    new Path2D("M7.5 6a2.6 2.6 0 0 0-2.4 3c.1.8 1 .6 1.1-.1A2.4 2.4 0 0 1 8 7c.6-.2.3-1-.5-1z"),
  );
  return canvas;
}
