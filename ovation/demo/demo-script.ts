/** The demo's videos, and what happens in them. */

import type { HOST } from "./demo-host.ts";

export interface DemoVideo {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly host: string;
  readonly media: readonly { readonly src: string; readonly type: string }[];
  readonly poster: string;
  /** Of all viewers, how many are here; the shares of all videos make 1. */
  readonly share: number;
  /** Comments a second while nothing special happens. */
  readonly commentsPerSecond: number;
  /** Taps a second while nothing special happens. */
  readonly likesPerSecond: number;
  readonly eventful: boolean;
}

const MEDIA = [
  { src: "/media/demo.mp4", type: "video/mp4" },
  { src: "/media/demo.webm", type: "video/webm" },
] as const;

export const DEMO_VIDEOS: readonly DemoVideo[] = [
  {
    id: "demo",
    title: "Aurora Sessions — live",
    description:
      "Improvised music under a real-time sky. The line of light on the water is the music you " +
      "hear.",
    host: "Aurora Sessions",
    media: MEDIA,
    poster: "/media/demo-poster.jpg",
    share: 0.76,
    commentsPerSecond: 0.5,
    likesPerSecond: 1.2,
    eventful: true,
  },
  {
    id: "north-shore",
    title: "North shore lake cam",
    description: "One camera, one lake, no hurry.",
    host: "North Shore",
    media: MEDIA,
    poster: "/media/demo-poster-shore.jpg",
    share: 0.14,
    commentsPerSecond: 0.05,
    likesPerSecond: 0.15,
    eventful: false,
  },
  {
    id: "slow-hours",
    title: "Slow Hours: music for night shifts",
    description: "Quiet sets for everyone who is awake anyway.",
    host: "Slow Hours",
    media: MEDIA,
    poster: "/media/demo-poster-hours.jpg",
    share: 0.1,
    commentsPerSecond: 0.04,
    likesPerSecond: 0.1,
    eventful: false,
  },
];

/** Something happens: the host says so, the chat bursts, hearts fly. */
export interface Moment {
  readonly kind: keyof typeof HOST.moment;
  readonly weight: number;
  /** A sight or a sound: what people say to it. */
  readonly occasion: "burst" | "cheer";
  /** Comments and taps a second at the height of it, above the usual. */
  readonly comments: number;
  readonly likes: number;
  /** It falls to a third in this time. */
  readonly fadeMs: number;
}

export const MOMENTS: readonly Moment[] = [
  { kind: "flare", weight: 4, occasion: "burst", comments: 4, likes: 14, fadeMs: 5_000 },
  { kind: "track", weight: 2, occasion: "cheer", comments: 1.6, likes: 6, fadeMs: 7_000 },
  { kind: "bells", weight: 2, occasion: "cheer", comments: 1.2, likes: 5, fadeMs: 5_000 },
  { kind: "thanks", weight: 1.5, occasion: "cheer", comments: 1.8, likes: 9, fadeMs: 8_000 },
];

/** Between two moments. */
export const MOMENT_EVERY_MS = { least: 28_000, most: 62_000 } as const;
/** Between two pinned comments of the host. */
export const PIN_EVERY_MS = 240_000;
