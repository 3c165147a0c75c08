/** Icons as paths on a grid of 24, drawn with `currentColor` lines. */

import { html, type TemplateResult } from "lit/html.js";

export const icons = {
  more: "M5 12h.01M12 12h.01M19 12h.01",
  pause: "M8 5v14M16 5v14",
  play: "M7 4.5v15l12-7.5z",
  settings: "M4 7h9M19 7h1M4 17h1M11 17h9M16 4.5v5M8 14.5v5",
  send: "M5 12h14M12.5 5.5 19 12l-6.500 6.500",
  heart: "M12 20S3.5 15 3.5 8.9A4.7 4.7 0 0 1 12 6.2a4.7 4.7 0 0 1 8.5 2.7C20.5 15 12 20 12 20z",
  eye:
    "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z" +
    "M12 9.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6z",
  down: "M12 5v14M6 13l6 6 6-6",
  pin: "M9 4h6l-1 6 4 4H6l4-4zM12 14v6",
  close: "M6 6l12 12M18 6 6 18",
  bubble: "M4 5h16v11h-8l-4.500 4v-4H4z",
} as const;

export function icon(name: keyof typeof icons): TemplateResult {
  return html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d=${icons[name]}></path></svg>`;
}
