/**
 * A member's colour is a hue computed from the id. `list.css` fixes lightness and chroma per theme,
 * so that every hue has a contrast of 4.5 to the background; a test computes it for all of them.
 *
 * Few hues, each a rule of a style sheet (`data-hue`): WebKit keeps the resolved styles of every
 * element that sets `--hue` itself, and a page with a busy list grew by 100 MB a minute.
 */

const HUE_STEP = 10;

/** 0, 10 … 350, the same for the same id everywhere. FNV-1a. */
export function hueOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index++)
    hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  return ((hash >>> 0) % (360 / HUE_STEP)) * HUE_STEP;
}

/** A rule for each of them. */
export const hueCss = Array.from({ length: 360 / HUE_STEP }, (_, index) => {
  const hue = index * HUE_STEP;
  return `[data-hue="${hue}"]{--hue:${hue}}`;
}).join("");
